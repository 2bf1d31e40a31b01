import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gitText } from './git/git-command.ts';
import { commitFiles, createBareRepository } from './seed.ts';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sandbox-seed-'));
  await createBareRepository(directory, 'trunk');
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const listing = async (commit: string): Promise<string[]> => {
  const lines = await gitText(directory, ['ls-tree', '-r', '-z', commit]);
  return lines.split('\0').map((line) => line.replace(/ \w+ [0-9a-f]{40}\t/, ' '));
};

describe('commitFiles', () => {
  it('adds, replaces and removes on top of the branch', async () => {
    const author = { name: 'Ada', email: 'ada@example.com' };
    const date = new Date('2026-01-01T00:00:00Z');
    const files = { 'a/1': 'one', 'a/2': 'two', 'say "hi"\n': 'x', run: { content: 'x', executable: true } };
    const first = await commitFiles(directory, 'trunk', files, { message: 'First\n\nbody', author, date });
    expect(await gitText(directory, ['log', '-1', '--format=%P|%an <%ae>|%aI|%B', 'trunk'])).toBe(
      '|Ada <ada@example.com>|2026-01-01T00:00:00+00:00|First\n\nbody',
    );
    const second = await commitFiles(directory, 'trunk', { a: null, link: { symlink: 'run' } }, { message: 'Second' });
    expect((await listing(second)).slice(0, -1)).toEqual(['120000 link', '100755 run', '100644 say "hi"\n']);
    expect(await gitText(directory, ['rev-parse', `${second}^`])).toBe(first);
  });

  it('writes the same commit from the same words', async () => {
    const commit = { message: 'Same', date: new Date(0), parent: null };
    const one = await commitFiles(directory, 'one', { a: 'a' }, commit);
    expect(await commitFiles(directory, 'two', { a: 'a' }, commit)).toBe(one);
  });
});
