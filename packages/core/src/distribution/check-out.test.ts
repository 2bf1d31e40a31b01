import { lstat, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkOut } from './check-out.ts';
import type { GitFile } from './git-tree.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'check-out-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

/** A commit whose blobs have their ids as contents. */
function commitOf(...files: readonly (readonly [path: string, mode: GitFile['mode'], content: string])[]) {
  return {
    listFiles: async () => files.map(([path, mode, id]) => ({ path, mode, id })),
    blobs: { read: async (id: string) => Buffer.from(id), close: async () => undefined },
  };
}

describe('checkOut', () => {
  it('writes files, their modes, and links', async () => {
    const place = join(directory, 'new');
    await checkOut(
      commitOf(
        ['a-link', '120000', 'packages/log'],
        ['Dockerfile', '100644', 'FROM x'],
        ['packages/log/run.sh', '100755', 'echo'],
        ['packages/module', '160000', 'a'.repeat(40)],
        ['.dockerignore', '100644', '*'],
        ['.containerignore', '100644', '*'],
      ),
      place,
    );
    expect((await readdir(place)).sort()).toEqual(['Dockerfile', 'a-link', 'packages']);
    expect(await readdir(join(place, 'packages'))).toEqual(['log']);
    expect(await readlink(join(place, 'a-link'))).toBe('packages/log');
    const run = await lstat(join(place, 'packages/log/run.sh'));
    expect([run.mode & 0o777, run.mtimeMs]).toEqual([0o755, 0]);
    expect((await lstat(join(place, 'Dockerfile'))).mode & 0o777).toBe(0o644);
    expect(await readFile(join(place, 'Dockerfile'), 'utf8')).toBe('FROM x');
  });

  it.each(['../out', 'a/../../out', 'a/.git/config', '.GIT/config', 'a//b', './a'])(
    'refuses %s, before anything is written',
    async (path) => {
      const place = join(directory, 'new');
      await expect(checkOut(commitOf(['a-file', '100644', 'x'], [path, '100644', 'x']), place)).rejects.toThrow(
        /Rename it/,
      );
      expect(await readdir(directory)).toEqual([]);
    },
  );

  it('writes nothing through a link', async () => {
    const outside = join(directory, 'outside');
    const place = join(directory, 'new');
    const commit = commitOf(['a', '120000', outside], ['a/file', '100644', 'x']);
    await expect(checkOut(commit, place)).rejects.toThrow('a/file stands below a, which is a symlink');
    expect(await readdir(directory)).toEqual([]);
  });
});
