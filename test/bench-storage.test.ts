import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addVersions, makeStorage } from '../bench/storage-generator.ts';
import { temporaryDirectory } from './bundle.ts';

const git = (directory: string, ...args: string[]): string =>
  execFileSync('git', [`--git-dir=${directory}`, ...args], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }).trim();

describe('a storage repository that is made', () => {
  it('has the same commits for the same seed, and others for another', async () => {
    const heads = async (seed: string) => {
      const directory = join(temporaryDirectory(), 'storage.git');
      await makeStorage(directory, { versions: 12, seed });
      await addVersions(directory, 'production', { versions: 12, seed }, [1, 2]);
      return git(directory, 'for-each-ref', '--format=%(refname) %(objectname)');
    };
    const first = await heads('a');
    expect(first.match(/refs\/heads\/\w+/g)).toEqual(
      ['main', 'production', 'snapshot', 'staging'].map((name) => `refs/heads/${name}`),
    );
    expect(await heads('a')).toBe(first);
    expect(await heads('b')).not.toBe(first);
  });

  it('is like the real one: files of a version, bytes, what repeats, modes', async () => {
    const directory = join(temporaryDirectory(), 'storage.git');
    const made = await makeStorage(directory, { versions: 60, seed: 'bench' });
    const files = git(directory, 'ls-tree', '-r', '-l', 'production', 'packages/').split('\n');
    expect(files).toHaveLength(made.files);
    const versions = new Set(files.map((line) => line.split('\t')[1]?.split('/').slice(0, 3).join('/')));
    expect(versions.size).toBe(60);
    expect(made.names).toBe(6);
    const sizes = files.map((line) => Number(line.split(/\s+/)[3]));
    expect(sizes.reduce((sum, size) => sum + size, 0) / 60).toBeGreaterThan(200_000);
    expect(made.uniqueBytes / made.bytes).toBeGreaterThan(0.12);
    expect(made.uniqueBytes / made.bytes).toBeLessThan(0.5);
    const executable = files.filter((line) => line.startsWith('100755')).length;
    expect(executable / files.length).toBeGreaterThan(0.9);
  });
});
