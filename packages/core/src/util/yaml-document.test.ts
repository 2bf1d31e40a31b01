import { describe, expect, it } from 'vitest';
import { EmptyYamlError, parseYaml, YamlError } from './yaml-document.ts';

function failureOf(source: string): YamlError {
  try {
    parseYaml(source);
  } catch (error) {
    if (error instanceof YamlError) return error;
    throw error;
  }
  throw new Error('the text was accepted');
}

describe('parseYaml', () => {
  it('says where keys and values stand', () => {
    const document = parseYaml('spec:\n  modules:\n  - name: a\n    slots: [x, "y"]\n  "a/b": 1\n');
    expect(document.value).toEqual({ spec: { modules: [{ name: 'a', slots: ['x', 'y'] }], 'a/b': 1 } });
    expect(document.positionOf('/spec', 'key')).toEqual({ line: 1, column: 1 });
    expect(document.positionOf('/spec/modules/0/slots/1')).toEqual({ line: 4, column: 17 });
    expect(document.positionOf('/spec/a~1b', 'key')).toEqual({ line: 5, column: 4 });
  });

  it('falls back to the nearest ancestor for what is missing', () => {
    const document = parseYaml('spec:\n  service:\n    port: 1\n');
    expect(document.positionOf('/spec/service/image/tag')).toEqual(document.positionOf('/spec/service'));
    expect(document.positionOf('/spec/service')).toEqual({ line: 3, column: 5 });
  });

  it('takes the place of the key for a value that is not there', () => {
    const document = parseYaml('spec:\n  version:\n  port: 1\n');
    expect(document.positionOf('/spec/version')).toEqual({ line: 2, column: 3 });
  });

  it('counts lines right after CRLF and wide characters', () => {
    const document = parseYaml('alias: 持续部署\r\nport: 8080\r\n');
    expect(document.positionOf('/port')).toEqual({ line: 2, column: 7 });
  });

  it.each([
    ['an empty text', '', 'empty', 1],
    ['blanks only', '\n  \n', 'empty', 1],
    ['comments only', '# nothing\n', 'nothing but comments', 1],
    ['two documents', 'a: 1\n---\nb: 2\n', 'more than one document', 2],
    ['two documents, the first with its line', '# x\n---\na: 1\n# ---\n--- {b: 2}\n', 'more than one document', 5],
    ['an empty second document', 'a: |\n  ---\n---\n', 'more than one document', 3],
    ['a second document without its line', 'a: 1\n...\nb: 2\n', 'more than one document', 3],
    ['a list in itself', 'b: 1\na: &a [*a]\n', 'stands in the value that it names', 2],
    ['a mapping in itself', '&a\nb: { c: [*a] }\n', 'stands in the value that it names', 2],
    ['a value in the one that takes its name', 'a: &a 1\nb: &a [*a]\n', 'stands in the value that it names', 2],
    ['a duplicate key', 'a: 1\nb: 2\na: 3\n', 'duplicat', 3],
    ['a tab', 'a:\n\tb: 1\n', 'tab', 2],
    ['an unclosed flow', 'a: [1, 2\nb: 3\n', '', 2],
  ])('refuses %s with a position', (_, source, message, line) => {
    const failure = failureOf(source);
    expect(failure.message).toContain(message);
    expect(failure.position.line).toBe(line);
  });

  it('refuses an alias bomb', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 10; i += 1)
      lines.push(
        `a${i}: &a${i} [${Array(9)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    expect(failureOf(lines.join('\n')).message).toMatch(/alias/i);
  });

  it('refuses few aliases of much, and takes some', () => {
    const text = (items: number, aliases: number): string =>
      `a:\n  - &m [${'1,'.repeat(items)}]\n${'  - *m\n'.repeat(aliases)}`;
    expect(failureOf(text(500_000, 1))).toMatchObject({
      message: expect.stringContaining('aliases add'),
      position: { line: 3 },
    });
    // The list, and what is in it.
    expect(failureOf(text(9_999, 11))).toMatchObject({ position: { line: 13, column: 5 } });
    expect(parseYaml(text(9_999, 10)).value).toMatchObject({ a: { length: 11 } });
  });

  it('counts what aliases of aliases stand for', () => {
    const lines = ['- &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]'];
    for (let i = 1; i < 6; i += 1) lines.push(`- &a${i} [${`*a${i - 1}, `.repeat(9)}]`);
    expect(failureOf(lines.join('\n'))).toMatchObject({ position: { line: 6 } });
    expect(parseYaml(lines.slice(0, 4).join('\n')).value).toHaveLength(4);
  });

  it('tells a text without a document from a wrong one', () => {
    expect(failureOf('# nothing')).toBeInstanceOf(EmptyYamlError);
    expect(failureOf('a: [')).not.toBeInstanceOf(EmptyYamlError);
  });

  it('refuses deep nesting and keeps prototypes clean', () => {
    expect(failureOf('['.repeat(5000)).position.line).toBe(1);
    parseYaml('__proto__: {polluted: true}\n');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
