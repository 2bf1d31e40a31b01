import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitFiles, createBareRepository } from '../seed.ts';
import { changedFiles } from './diff.ts';
import { GitRepository } from './git-repository.ts';
import { emptyTree } from './objects.ts';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sandbox-diff-'));
  await createBareRepository(directory);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('changedFiles', () => {
  it('keeps patches with their files, whatever the change is', async () => {
    const before = await commitFiles(
      directory,
      'main',
      {
        binary: Buffer.from([0, 1, 2]),
        'kind "quoted"': 'a file\n',
        mode: 'same\n',
        text: 'diff --git a/x b/x\n',
        'with\ttab': '1\n',
        gone: 'x',
      },
      { message: 'Before' },
    );
    const after = await commitFiles(
      directory,
      'main',
      {
        binary: Buffer.from([0, 3]),
        'kind "quoted"': { symlink: 'text' },
        lib: { submodule: before },
        mode: { content: 'same\n', executable: true },
        text: 'diff --git a/x b/x\n@@ not a hunk\n',
        'with\ttab': '2',
        gone: null,
      },
      { message: 'After' },
    );
    const files = await changedFiles(new GitRepository(directory), before, after);
    expect(
      files.map(({ path, status, additions, deletions, patch }) => [path, status, additions, deletions, patch]),
    ).toEqual([
      ['binary', 'modified', 0, 0, undefined],
      ['gone', 'removed', 0, 1, '@@ -1 +0,0 @@\n-x\n\\ No newline at end of file'],
      ['kind "quoted"', 'changed', 1, 1, undefined],
      ['lib', 'added', 1, 0, `@@ -0,0 +1 @@\n+Subproject commit ${before}`],
      ['mode', 'modified', 0, 0, undefined],
      ['text', 'modified', 1, 0, '@@ -1 +1,2 @@\n diff --git a/x b/x\n+@@ not a hunk'],
      ['with\ttab', 'modified', 1, 1, '@@ -1 +1 @@\n-1\n+2\n\\ No newline at end of file'],
    ]);
  });

  it('shows a first commit against nothing', async () => {
    const first = await commitFiles(directory, 'fresh', { a: '1\n' }, { message: 'First', parent: null });
    const files = await changedFiles(new GitRepository(directory), emptyTree, first);
    expect(files.map(({ path, status, patch }) => [path, status, patch])).toEqual([
      ['a', 'added', '@@ -0,0 +1 @@\n+1'],
    ]);
  });
});
