import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

/** The modules of core from the ground up: each imports only itself and those above it in this list. */
const MODULES = [
  'errors',
  'util',
  'configuration',
  'image',
  'registry',
  'archive',
  'github',
  'plugin',
  'pull-request',
  'object-store',
  'dockerfile',
  'storage',
  'distribution',
  'kubernetes',
  'action',
];

/** Packages that one module alone may use, so that what they bring stays in the bundles that need it. */
const SOLE_IMPORTERS: Readonly<Record<string, string>> = {
  '@actions/github': 'github',
  'ali-oss': 'object-store',
  'dockerfile-ast': 'dockerfile',
};

interface Import {
  readonly file: string;
  readonly specifier: string;
}

function importsOf(pattern: string): Import[] {
  return globSync(pattern, { cwd: root }).flatMap((file) =>
    [
      ...readFileSync(join(root, file), 'utf8').matchAll(
        /^(?:import|export)\b[^'";]*?from '([^']+)'|^import '([^']+)'/gms,
      ),
    ].map(([, from, bare]) => ({ file, specifier: from ?? bare ?? '' })),
  );
}

/** Tests, and what only tests use; neither is built. */
function isTest(file: string): boolean {
  return /(?:\.test|fixture)\.ts$/.test(file);
}

/** The module of core that a file belongs to: its folder below `src`, or its own name. */
function moduleOf(file: string): string {
  const [first = ''] = relative('packages/core/src', file).split('/');
  return first.replace(/\.ts$/, '');
}

const core = importsOf('packages/core/src/**/*.ts').filter(({ file }) => !isTest(file));

/** More lines than a reader keeps in mind; a file with a reason says it in its first lines, after these words. */
const [LONGEST, REASON] = [400, 'More than 400 lines: '];

describe('the architecture', () => {
  it('finds what it judges', () => {
    expect(core.length).toBeGreaterThan(100);
    expect(new Set(core.map(({ file }) => moduleOf(file)))).toEqual(new Set(MODULES.slice(1)));
  });

  it('lets a module of core import only those above it', () => {
    const wrong = core.filter(({ file, specifier }) => {
      if (!specifier.startsWith('.') || specifier.includes('/generated/')) return false;
      const imported = moduleOf(normalize(join(dirname(file), specifier)));
      return MODULES.indexOf(imported) === -1 || MODULES.indexOf(imported) > MODULES.indexOf(moduleOf(file));
    });
    expect(wrong).toEqual([]);
  });

  it.each(Object.entries(SOLE_IMPORTERS))('lets only one module import %s', (name, owner) => {
    const importers = core.filter(({ specifier }) => specifier === name || specifier.startsWith(`${name}/`));
    expect(importers.length).toBeGreaterThan(0);
    expect(importers.filter(({ file }) => moduleOf(file) !== owner)).toEqual([]);
  });

  it('keeps core and sandbox apart: a mistake in one must not hide in the other', () => {
    expect(core.filter(({ specifier }) => specifier.includes('sandbox'))).toEqual([]);
    expect(
      importsOf('packages/sandbox/src/**/*.ts').filter(({ specifier }) => specifier.includes('slipway/core')),
    ).toEqual([]);
  });

  it('keeps the sandbox out of the actions', () => {
    const sources = importsOf('actions/*/src/**/*.ts').filter(({ file }) => !isTest(file));
    expect(sources.filter(({ specifier }) => specifier.includes('sandbox'))).toEqual([]);
  });

  it('keeps files short, or has them say why not', () => {
    const isSource = (file: string): boolean => !/(?:^|\/)(?:node_modules|lib|dist|generated)\//.test(file);
    const files = ['actions', 'bench', 'packages', 'scripts', 'test'].flatMap((folder) =>
      globSync(`${folder}/**/*.ts`, { cwd: root }).filter(isSource),
    );
    expect(files.length).toBeGreaterThan(500);
    const long = files.filter((file) => {
      const lines = readFileSync(join(root, file), 'utf8').trimEnd().split('\n');
      return lines.length > LONGEST && !lines.slice(0, 10).some((line) => line.includes(REASON));
    });
    expect(long).toEqual([]);
  });

  it('keeps every main a sentence', () => {
    const mains = globSync('actions/*/src/main.ts', { cwd: root });
    expect(mains.length).toBeGreaterThan(0);
    for (const main of mains) {
      expect(readFileSync(join(root, main), 'utf8').trim().split('\n').length, main).toBeLessThanOrEqual(10);
    }
  });

  it('keeps the process out of run', () => {
    for (const file of globSync('actions/*/src/*.ts', { cwd: root }).filter((path) => !isTest(path))) {
      expect(readFileSync(join(root, file), 'utf8'), file).not.toMatch(/\bprocess\.|@actions\/core/);
    }
  });
});
