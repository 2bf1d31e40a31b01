import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { InputDefinitions } from '@slipway/core/action/inputs';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const actions = globSync('actions/*/action.yml', { cwd: root })
  .map((file) => basename(dirname(file)))
  .sort();

interface ActionFile {
  readonly name: string;
  readonly description: string;
  readonly inputs: Readonly<Record<string, { description: string; required?: boolean; default?: string }>>;
  readonly outputs: Readonly<Record<string, { description: string }>>;
  readonly runs: { readonly using: string; readonly main: string };
}

function readAction(name: string): ActionFile {
  return load(readFileSync(join(root, 'actions', name, 'action.yml'), 'utf8')) as ActionFile;
}

describe('the contract of the actions', () => {
  it('covers them all', () => {
    expect(actions).toEqual([
      'build-distribution',
      'bundle-package',
      'handle-command',
      'promote-package',
      'register-package',
      'rollout',
      'sync-images',
      'update-registry',
      'upload-oss',
      'validate-plugin',
    ]);
  });

  describe.each(actions)('%s', (name) => {
    it('has the files that every action has', () => {
      const files = [
        'README.md',
        'package.json',
        'tsconfig.json',
        'src/main.ts',
        'src/run.ts',
        'src/inputs.ts',
        'src/run.test.ts',
      ];
      expect(files.filter((file) => !existsSync(join(root, 'actions', name, file)))).toEqual([]);
    });

    it('declares in action.yml the inputs that the code reads, and no others', async () => {
      const { inputs } = (await import(`../actions/${name}/src/inputs.ts`)) as { inputs: InputDefinitions };
      const declared = Object.entries(readAction(name).inputs).map(
        ([input, { required = false, default: fallback }]) => ({
          input,
          required,
          fallback,
        }),
      );
      const read = Object.entries(inputs).map(([input, { required, fallback }]) => ({ input, required, fallback }));
      const byName = (a: { input: string }, b: { input: string }): number => (a.input < b.input ? -1 : 1);
      expect(declared.sort(byName)).toEqual(read.sort(byName));
    });

    it('has the inputs and outputs that every action has, and describes them all', () => {
      const action = readAction(name);
      expect(Object.keys(action.inputs)).toEqual(
        expect.arrayContaining(['token', 'config', 'dry-run', 'work-directory']),
      );
      expect(Object.keys(action.outputs)).toEqual(expect.arrayContaining(['plan', 'changed']));
      for (const { description } of [...Object.values(action.inputs), ...Object.values(action.outputs)]) {
        expect(description.trim()).not.toBe('');
      }
    });

    it('runs on node 24 from its bundle, and is called what its folder is called', () => {
      const action = readAction(name);
      expect(action.runs).toEqual({ using: 'node24', main: 'dist/index.js' });
      expect(action.name).toBe(name);
    });
  });
});
