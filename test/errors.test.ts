import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { INTERNAL } from '@slipway/core/errors';
import { RULES } from '@slipway/core/pull-request/rules';
import { describe, expect, it } from 'vitest';
import { readArguments } from '../scripts/errors/arguments.ts';
import { findErrorCodes } from '../scripts/errors/error-codes.ts';

const root = join(import.meta.dirname, '..');
const page = readFileSync(join(root, 'docs/errors.md'), 'utf8');

/** The sources of everything that is shipped. */
const sources = new Map(
  ['packages/core/src/**/*.ts', 'actions/*/src/**/*.ts']
    .flatMap((pattern) => globSync(pattern, { cwd: root }))
    .filter((file) => !/(?:\.test|\.d|fixture|testing)\.ts$/.test(file))
    .sort()
    .map((file) => [file, readFileSync(join(root, file), 'utf8')]),
);
const found = findErrorCodes(sources);

interface Entry {
  readonly kind: string;
  readonly section: string;
  readonly name: string;
  readonly cells: readonly string[];
}

/** The rows of the page's tables; the first cell of a table's head says what it lists. */
const entries: Entry[] = page.split(/^## /m).flatMap((part) => {
  const [section = ''] = part.split('\n');
  const [head, ...rows] = part.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---'));
  const kind = head?.split('|')[1]?.trim() ?? '';
  return rows.map((row) => {
    const cells = row.slice(2, -2).split(' | ');
    return { kind, section, name: /^`([a-z0-9-]+)`$/.exec(cells[0] ?? '')?.[1] ?? '', cells };
  });
});

const listed = (kind: string): string[] => entries.filter((entry) => entry.kind === kind).map(({ name }) => name);

describe('docs/errors.md', () => {
  it('lists every code, once, and none that is no more', () => {
    expect(found.unread).toEqual([]);
    expect(found.codes.size).toBeGreaterThan(150);
    expect(listed('code').toSorted()).toEqual([...new Set([...found.codes.keys(), INTERNAL])].toSorted());
  });

  it('lists every rule of findings, once, and none that is no more', () => {
    const rules = [...found.rules.keys(), ...RULES.map(({ id }) => id)];
    expect(found.rules.size).toBeGreaterThan(10);
    expect(listed('rule').toSorted()).toEqual([...new Set(rules)].toSorted());
  });

  it('says of each a cause and a cure, in sentences, in the order of the alphabet', () => {
    for (const { name, cells } of entries) {
      expect(cells, name).toHaveLength(3);
      for (const cell of cells.slice(1)) expect(cell, name).toMatch(/^[A-Z`].{5,}\.$/);
    }
    for (const section of new Set(entries.map((entry) => entry.section))) {
      const names = entries.filter((entry) => entry.section === section).map(({ name }) => name);
      expect(names).toEqual(names.toSorted());
    }
  });
});

describe('the search for codes', () => {
  const search = (text: string) => {
    const { codes, rules, unread } = findErrorCodes(new Map([['a.ts', text]]));
    return [[...codes.keys()].sort(), [...rules.keys()].sort(), unread];
  };

  it.each([
    ["throw new ConfigurationError('one-code', 'x');", ['one-code']],
    ["throw new ActionError(\n  'on-a-line-of-its-own',\n  `a ${b(`c`)}`,\n);", ['on-a-line-of-its-own']],
    ["new ActionError(bad ? 'one' : 'two', m)", ['one', 'two']],
    ["runtime.fail('verdict', `x`); runtime.fail(codeOf(error), y);", ['verdict']],
    ["const CODE = 'shared';\nnew ActionError(CODE, m)", ['shared']],
    ["const code = a === 1 ? 'one' : 'two';\nnew ActionError(code, m)", ['one', 'two']],
    ["class Sub extends ActionError {\n}\nnew Sub('derived', m)", ['derived']],
    [
      "class Sub extends ActionError {\n  constructor(host: string) {\n    super('own', host);\n  }\n}\nnew Sub(h)",
      ['own'],
    ],
    [
      "const refuse = (code: string, m: string) => {\n  throw new ActionError(code, m);\n};\nrefuse('said-by-callers', m);",
      ['said-by-callers'],
    ],
    [
      "new ActionError(codeOf(s), m)\nfunction codeOf(s) {\n  if (s) return 'one';\n  return s ? 'two' : 'three';\n}",
      ['one', 'three', 'two'],
    ],
    ["new RangeError('no code')\nclass Other extends Error {\n}\nnew Other('nor-this')", []],
  ])('reads %j', (text, codes) => {
    expect(search(text)).toEqual([codes, [], []]);
  });

  it('reads the rules of findings where they are made', () => {
    expect(search("push({ file, rule: 'made', severity: 'error' })")).toEqual([[], ['made'], []]);
    const warn = "const warn = (line: number, rule: string) => {\n  f.push({ line, rule, severity: 'warning' });\n};";
    expect(search(`${warn}\nwarn(1, 'handed-on');`)).toEqual([[], ['handed-on'], []]);
    expect(search('for (const { file, rule, severity } of findings) show(rule);')).toEqual([[], [], []]);
  });

  it('says which codes it cannot read', () => {
    expect(search("\nthrow new ActionError(table[key], 'x');")).toEqual([[], [], ['a.ts:2: table[key]']]);
  });

  it('splits arguments as the language does', () => {
    expect(readArguments("f('a, b)', [1, 2], `x ${g(')')} y`, /* , */ (h))", 2)).toEqual([
      "'a, b)'",
      '[1, 2]',
      "`x ${g(')')} y`",
      '/* , */ (h)',
    ]);
  });
});

/** Runs an action whose work is one statement, in a process of its own, and returns what it prints. */
function runStatement(statement: string): Promise<string> {
  const script = `
    const { runAction } = await import('@slipway/core/action/action');
    const { ActionError, ConfigurationError } = await import('@slipway/core/errors');
    await runAction({}, async (inputs, runtime) => { ${statement}; return {}; });
  `;
  const args = ['--conditions=@slipway/source', '--input-type=module', '--eval', script];
  const env = { PATH: process.env['PATH'] };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: join(root, 'actions/rollout'), env }, (_, stdout, stderr) =>
      resolve(`${stdout}${stderr}`),
    );
  });
}

describe('what an action prints', () => {
  it.each([
    ["throw new ConfigurationError('one-code', 'Mend this.')", '::error::Mend this. [one-code]'],
    ["throw new ActionError('one-code', 'It broke.', { cause: new Error('why') })", '::error::It broke. [one-code]'],
    ["runtime.fail('one-code', 'It is not right.')", '::error::It is not right. [one-code]'],
    ["throw new Error('unforeseen')", '::error::unforeseen [internal]'],
    // Lines to copy stay as they are.
    [
      "throw new ActionError('one-code', 'Add:\\n\\npermissions:\\n  contents: read\\n')",
      '::error::Add:%0A%0Apermissions:%0A  contents: read%0A%0A[one-code]',
    ],
  ])('ends with the code: %s', async (statement, line) => {
    expect((await runStatement(statement)).trimEnd().split('\n').at(-1)).toBe(line);
  });
});
