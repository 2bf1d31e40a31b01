import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runAction } from '@slipway/sandbox/runner/run-action';
import { beforeEach, describe, expect, it } from 'vitest';
import { assembleRelease } from '../scripts/release-tree.ts';
import { temporaryDirectory } from './bundle.ts';

const ACTION = 'name: greet\ndescription: Says hello.\nruns: { using: node24, main: dist/index.js }\n';

/** A small repository with one action, one public workflow and one of its own. */
const SOURCES = {
  LICENSE: 'the licence',
  'schema/plugin.schema.json': '{}',
  'actions/greet/package.json': '{}',
  'actions/greet/action.yml': ACTION,
  'actions/greet/README.md': '# greet',
  'actions/greet/src/main.ts': 'source',
  'actions/greet/dist/index.js': "console.log('hello');",
  'actions/greet/dist/package.json': '{"type":"module"}',
  'actions/greet/dist/licenses.txt': 'licences',
  '.github/workflows/public.yml': 'on: { workflow_call: {} }\n',
  '.github/workflows/ci.yml': 'on: [push]\n',
};

let root: string;
let out: string;

beforeEach(() => {
  const directory = temporaryDirectory();
  root = join(directory, 'root');
  out = join(directory, 'out');
  write(root, SOURCES);
});

function write(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
}

function read(directory: string): Record<string, string> {
  const entries = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  const files = entries.filter((path) => statSync(join(directory, path)).isFile());
  return Object.fromEntries(files.map((path) => [path, readFileSync(join(directory, path), 'utf8')]));
}

describe('assembleRelease', () => {
  it('puts actions at the root with their bundles, and public workflows, and leaves the sources behind', async () => {
    expect(await assembleRelease(out, root)).toEqual([
      '.github/workflows/public.yml',
      'LICENSE',
      'README.md',
      'action.yml',
      'greet/README.md',
      'greet/action.yml',
      'greet/dist/index.js',
      'greet/dist/licenses.txt',
      'greet/dist/package.json',
      'index.js',
      'schema/plugin.schema.json',
    ]);
    const tree = read(out);
    expect(tree).toMatchObject({ 'greet/action.yml': ACTION, LICENSE: 'the licence' });
    expect(tree['README.md']).toContain('[`greet`](greet/README.md): Says hello.');
    expect(tree['README.md']).toContain('.github/workflows/public.yml');
    const other = `${out}-again`;
    await assembleRelease(other, root);
    expect(read(other)).toEqual(tree);
    expect(await runAction({ directory: join(out, 'greet'), inputs: {}, env: {} })).toMatchObject({ log: 'hello' });
  });

  it('makes the root an action that fails with advice', async () => {
    await assembleRelease(out, root);
    const result = await runAction({ directory: out, inputs: {}, env: {} });
    expect(result.exitCode).toBe(1);
    expect(result.annotations[0]?.message).toContain('uses: org/actions/<name>@v1, where <name> is greet');
  });

  it('writes only what changed, and takes away what is no more', async () => {
    await assembleRelease(out, root);
    write(out, { 'gone/dist/index.js': 'of an action that is no more', '.git': 'gitdir: elsewhere' });
    const inodes = ['LICENSE', 'greet/dist/index.js'].map((path) => statSync(join(out, path)).ino);
    write(root, { 'actions/greet/dist/index.js': 'new' });
    await assembleRelease(out, root);
    expect(existsSync(join(out, 'gone'))).toBe(false);
    expect(readFileSync(join(out, 'greet/dist/index.js'), 'utf8')).toBe('new');
    expect(readFileSync(join(out, '.git'), 'utf8')).toBe('gitdir: elsewhere');
    expect(statSync(join(out, 'LICENSE')).ino).toBe(inodes[0]);
    expect(statSync(join(out, 'greet/dist/index.js')).ino).not.toBe(inodes[1]);
    expect(readdirSync(dirname(out)).sort()).toEqual(['out', 'root']);
  });

  it('never deletes what is not its own', async () => {
    write(out, { 'thesis.txt': 'years of work', 'action.yml': 'name: mine' });
    await expect(assembleRelease(out, root)).rejects.toThrow(/not assembled here/);
    expect(read(out)).toEqual({ 'thesis.txt': 'years of work', 'action.yml': 'name: mine' });
  });

  it('follows no link out of the tree', async () => {
    await assembleRelease(out, root);
    const outside = temporaryDirectory();
    write(outside, { 'kept.txt': 'kept' });
    symlinkSync(outside, join(out, 'link'));
    await assembleRelease(out, root);
    expect(existsSync(join(out, 'link'))).toBe(false);
    expect(read(outside)).toEqual({ 'kept.txt': 'kept' });
  });

  it.each([
    ['actions/greet/dist/index.js', /actions\/greet\/dist has no index\.js\. Run `npm run build` first\./],
    ['actions/greet/README.md', /actions\/greet\/README\.md is missing/],
    ['actions/greet/action.yml', /action\.yml/],
    ['LICENSE', /LICENSE is missing/],
  ])('fails without %s, and writes nothing', async (missing, message) => {
    const partial = join(temporaryDirectory(), 'root');
    write(partial, Object.fromEntries(Object.entries(SOURCES).filter(([path]) => path !== missing)));
    await expect(assembleRelease(out, partial)).rejects.toThrow(message);
    expect(existsSync(out)).toBe(false);
  });
});
