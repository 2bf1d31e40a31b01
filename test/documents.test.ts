import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { parseConfiguration } from '@slipway/core/configuration/configuration';
import { isRecord } from '@slipway/core/util/record';
import { parseYaml } from '@slipway/core/util/yaml-document';
import { describe, expect, it } from 'vitest';
import { anchorsOf, type Block, blocksOf, headingsOf, type Page, readPages } from './documents/documents.ts';
import { lintWorkflows } from './workflow-lint/actionlint.ts';
import { readLibrary } from './workflow-lint/library.ts';
import { formatProblem } from './workflow-lint/rule.ts';
import { readWorkflowFiles } from './workflow-lint/workflow-files.ts';

const root = join(import.meta.dirname, '..');
const pages = readPages();
const blocks = pages.flatMap(blocksOf);
const { actions, ours } = readWorkflowFiles(root);
const library = readLibrary(actions, ours);

const place = ({ file, line }: Block): string => `${file}:${line}`;
const named = (some: readonly Block[]): [string, Block][] => some.map((block) => [place(block), block]);

describe('links', () => {
  const byFile = new Map(pages.map((page) => [page.file, page]));

  it.each(pages.map((page) => [page.file, page] as const))('of %s lead somewhere', (file, page) => {
    const prose = page.text.replaceAll(/^( *)```.*?^\1```$/gms, '');
    const dead = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
      if (/^[a-z]+:/.test(link)) return [];
      const [path = '', anchor] = decodeURIComponent(link).split('#');
      const target = path === '' ? file : posix.normalize(posix.join(dirname(file), path));
      const there: Page | undefined = byFile.get(target);
      const isDead = anchor === undefined ? !existsSync(join(root, target)) : !(there && anchorsOf(there).has(anchor));
      return isDead ? [link] : [];
    });
    expect(dead).toEqual([]);
  });
});

describe('YAML in the documentation', () => {
  const documents = blocks
    .filter(({ language }) => language === 'yaml')
    .map((block) => ({ block, value: parseYaml(block.content).value }));
  const workflows = documents.filter(({ value }) => isRecord(value) && 'jobs' in value);
  const steps = documents.filter(({ value }) => Array.isArray(value));
  const configurations = documents.filter((document) => !workflows.includes(document) && !steps.includes(document));

  it('holds complete workflows that GitHub understands', async () => {
    // Each example is a repository by itself, so that two on one page do not meet.
    const files = workflows.map(({ block: { file, line, content } }) => ({
      file: `${file} (${line})`,
      text: '\n'.repeat(line - 1) + content,
    }));
    expect(files.length).toBeGreaterThan(5);
    expect((await lintWorkflows(files, { actions, workflows: ours })).map(formatProblem)).toEqual([]);
  });

  it.each(steps.map(({ block, value }) => [place(block), value] as const))(
    '%s: steps give what actions take',
    (_, list) => {
      expect(list).not.toEqual([]);
      for (const step of Array.isArray(list) ? list : []) {
        const name = /^org\/actions\/([\w-]+)@v1$/.exec(isRecord(step) ? String(step['uses']) : '')?.[1] ?? '';
        const inputs = library.actions.get(name)?.inputs;
        const given = isRecord(step) && isRecord(step['with']) ? Object.keys(step['with']) : [];
        const needed = Object.entries(inputs ?? {}).filter(
          ([, input]) => isRecord(input) && input['required'] === true,
        );
        expect(Object.keys(inputs ?? {})).toEqual(expect.arrayContaining(given));
        expect(given).toEqual(expect.arrayContaining(needed.map(([input]) => input)));
      }
    },
  );

  it.each(configurations.map(({ block }) => [place(block), block] as const))(
    '%s: is a configuration',
    (where, block) => {
      expect(() => parseConfiguration(block.content, where)).not.toThrow();
    },
  );
});

describe('commands in the documentation', () => {
  it.each(named(blocks.filter(({ language }) => language === 'sh' || language === 'bash')))(
    '%s: a shell can read',
    (_, block) => {
      const { status, stderr } = spawnSync('bash', ['-n'], { input: block.content, encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
  );

  it.each(named(blocks))('%s: names only npm scripts that exist', (_, { content }) => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const used = [...content.matchAll(/\bnpm run (?:--silent )?([\w-]+)/g)].map(([, script]) => script);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(used));
  });
});

describe('what editors show', () => {
  /** Every property of a schema, by its path. */
  function propertiesOf(schema: unknown, path = ''): [string, Record<string, unknown>][] {
    if (!isRecord(schema)) return [];
    const own = isRecord(schema['properties']) ? Object.entries(schema['properties']) : [];
    const named = own.map(([key, value]) => [`${path}/${key}`, value] as const);
    const below = [...named, ...['items', 'additionalProperties'].map((key) => [`${path}/*`, schema[key]] as const)];
    return [
      ...named.flatMap(([key, value]): [string, Record<string, unknown>][] => (isRecord(value) ? [[key, value]] : [])),
      ...below.flatMap(([key, value]) => propertiesOf(value, key)),
    ];
  }

  it.each(['configuration', 'plugin'])('of the schema %s has a description, and an example or a default', (name) => {
    const schema: unknown = JSON.parse(readFileSync(join(root, `schema/${name}.schema.json`), 'utf8'));
    const shown = ['default', 'examples', 'enum', 'const', 'properties', 'additionalProperties'];
    const poor = propertiesOf(schema).filter(
      ([, property]) => typeof property['description'] !== 'string' || !shown.some((key) => key in property),
    );
    expect(poor.map(([path]) => path)).toEqual([]);
  });

  it.each(globSync('examples/*/{.github/slipway,release-plugins/*}.yaml', { cwd: root }))('is said in %s', (file) => {
    const [line = ''] = readFileSync(join(root, file), 'utf8').split('\n');
    const schema = /^# yaml-language-server: \$schema=https:\/\/.*\/(schema\/[\w.]+\.json)$/.exec(line)?.[1] ?? '';
    expect(existsSync(join(root, schema))).toBe(true);
    expect(schema).not.toBe('');
  });
});

describe('the pages in Chinese', () => {
  const translated = pages.filter(({ file }) => file.endsWith('.zh-CN.md'));

  it('are there for whoever begins', () => {
    const files = ['README.zh-CN.md', 'docs/getting-started-release.zh-CN.md', 'docs/getting-started-storage.zh-CN.md'];
    expect(translated.map(({ file }) => file).sort()).toEqual(files.sort());
  });

  it.each(translated.map((page) => [page.file, page] as const))('%s is in step with the English one', (file, page) => {
    const english = { file, text: readFileSync(join(root, file.replace('.zh-CN', '')), 'utf8') };
    const outline = ({ text }: Page): number[] => headingsOf(text).map(({ level }) => level);
    const code = (one: Page) => blocksOf(one).map(({ language, tool, content }) => ({ language, tool, content }));
    const rows = ({ text }: Page): number => text.split('\n').filter((line) => line.startsWith('|')).length;
    expect(outline(page)).toEqual(outline(english));
    expect(code(page)).toEqual(code(english));
    expect(rows(page)).toBe(rows(english));
  });
});
