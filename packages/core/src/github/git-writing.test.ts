import { StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RetryBudget } from '../util/retry.ts';
import { findMergeBase, isAncestor } from './ancestry.ts';
import { advanceBranch, createBranch, findBranchHead, replaceBranch } from './branch.ts';
import { writeCheckRun } from './check-run.ts';
import { connectGitHub, type GitHub } from './connect.ts';
import { readTreeEntries, writeTree } from './git-data.ts';
import { gitTreeId } from './git-object.ts';
import { findOpenPullRequest, openPullRequest, updatePullRequest } from './pull-request-change.ts';
import { listPullRequestMessages } from './pull-request-messages.ts';
import { TreeReader } from './tree-reader.ts';

let fixture: StorageFixture;
let github: GitHub;
let repository: string;

beforeEach(async () => {
  fixture = await StorageFixture.start();
  repository = fixture.repository;
  github = connect();
});

afterEach(() => fixture.close());

function connect(token = 'sandbox-token'): GitHub {
  const budget = new RetryBudget({ sleep: async () => undefined, random: () => 0 });
  return connectGitHub({ token, apiUrl: fixture.github.apiUrl, budget });
}

describe('a tree', () => {
  it('has the id that git gives it, whatever the order of its entries', async () => {
    const files = {
      'a/x': '1',
      'a.b': '2',
      'a-b': '3',
      'ab/x': '4',
      ünïcode: '5',
      z: { content: '6', executable: true },
    };
    const commit = await fixture.commit('main', {
      ...files,
      link: { symlink: 'z' },
      sub: { submodule: 'a'.repeat(40) },
    });
    const entries = await readTreeEntries(github, repository, commit);
    const tree = await fixture.id(`${commit}^{tree}`);
    expect(gitTreeId(entries)).toBe(tree);
    expect(gitTreeId(entries.toReversed())).toBe(tree);
    expect(await writeTree(github, repository, entries.toReversed())).toBe(tree);
    expect(gitTreeId([])).toBe('4b825dc642cb6eb9a060e54bf8d69288fbee4904');
  });

  it('is read once', async () => {
    const commit = await fixture.commit('main', { x: '' });
    const reader = new TreeReader(github, repository);
    const before = fixture.github.requests.length;
    expect(await Promise.all([reader.read(commit), reader.read(commit)])).toHaveLength(2);
    expect(fixture.github.requests.length).toBe(before + 1);
  });
});

describe('a branch', () => {
  it('is found by its whole name', async () => {
    const commit = await fixture.commit('feature/one-more', { x: '' });
    expect(await findBranchHead(github, repository, 'feature/one-more')).toBe(commit);
    expect(await findBranchHead(github, repository, 'feature/one')).toBeUndefined();
    expect(await findBranchHead(github, repository, 'feature')).toBeUndefined();
  });

  it('is made once, goes forward only, and can be replaced', async () => {
    const first = await fixture.commit('main', { x: '1' });
    const second = await fixture.commit('main', { x: '2' });
    const aside = await fixture.commit('aside', { x: '3' }, first);
    expect(await createBranch(github, repository, 'a/b', second)).toBe(true);
    expect(await createBranch(github, repository, 'a/b', first)).toBe(false);
    expect(await advanceBranch(github, repository, 'a/b', first)).toBe(false);
    expect(await advanceBranch(github, repository, 'a/b', aside)).toBe(false);
    expect(await fixture.id('a/b')).toBe(second);
    await replaceBranch(github, repository, 'a/b', aside);
    expect(await fixture.id('a/b')).toBe(aside);
  });

  it('moves by an exchange whose answer is lost, too', async () => {
    const first = await fixture.commit('main', { x: '1' });
    const second = await fixture.commit('next', { x: '2' }, first);
    fixture.github.failNext({ kind: 'lose-reply', method: 'PATCH' });
    expect(await advanceBranch(github, repository, 'main', second)).toBe(true);
  });

  it.each([
    [409, 'Conflict', false],
    [422, 'Update is not a fast forward', false],
    [422, 'Reference update failed', false],
  ])('that somebody else moves (%i %s) is not moved', async (status, message, expected) => {
    const commit = await fixture.commit('main', { x: '' });
    fixture.github.failNext({ kind: 'status', status, body: JSON.stringify({ message }), method: 'PATCH' });
    expect(await advanceBranch(github, repository, 'main', commit)).toBe(expected);
  });

  it('that cannot be moved for another reason says so, with the status', async () => {
    const commit = await fixture.commit('main', { x: '' });
    const moved = advanceBranch(github, repository, 'absent', commit);
    await expect(moved).rejects.toMatchObject({ code: 'github', status: 422 });
    await expect(moved).rejects.toThrow(/Reference does not exist/);
    fixture.github.addToken({ token: 'reader', login: 'ada', permissions: { contents: 'read' } });
    await expect(createBranch(connect('reader'), repository, 'x', commit)).rejects.toThrow(/contents: write/);
  });
});

it('knows which commit comes after which', async () => {
  const first = await fixture.commit('main', { x: '1' });
  const second = await fixture.commit('main', { x: '2' });
  const aside = await fixture.commit('aside', { x: '3' }, first);
  const alone = await fixture.commit('alone', { x: '4' }, null);
  expect(await isAncestor(github, repository, first, second)).toBe(true);
  expect(await isAncestor(github, repository, second, first)).toBe(false);
  expect(await isAncestor(github, repository, second, aside)).toBe(false);
  expect(await isAncestor(github, repository, first, 'f'.repeat(40))).toBe(false);
  expect(await findMergeBase(github, repository, second, aside)).toBe(first);
  expect(await findMergeBase(github, repository, second, second)).toBe(second);
  expect(await findMergeBase(github, repository, second, alone)).toBeUndefined();
});

it('opens, finds, changes and closes a pull request', async () => {
  const base = await fixture.commit('main', { x: '1' });
  await fixture.commit('a/b', { x: '2' }, base, 'First\n\nWhy: because');
  const pull = { title: 'One', body: '', head: 'a/b', base: 'main' };
  expect(await findOpenPullRequest(github, repository, 'a/b', 'main')).toBeUndefined();
  const opened = await openPullRequest(github, repository, { ...pull, draft: true });
  expect(opened).toMatchObject({ number: 1, title: 'One' });
  expect(await openPullRequest(github, repository, pull)).toBeUndefined();
  await updatePullRequest(github, repository, 1, { title: 'Two' });
  expect(await findOpenPullRequest(github, repository, 'a/b', 'main')).toMatchObject({ number: 1, title: 'Two' });
  expect(await findOpenPullRequest(github, repository, 'a', 'main')).toBeUndefined();
  expect(await listPullRequestMessages(github, repository, 1)).toEqual(['First\n\nWhy: because']);
  await updatePullRequest(github, repository, 1, { state: 'closed' });
  expect(await findOpenPullRequest(github, repository, 'a/b', 'main')).toBeUndefined();
  await fixture.git('update-ref', 'refs/heads/a/b', base);
  expect(await openPullRequest(github, repository, pull)).toBeUndefined();
});

it('writes a check that says something new, and cuts what GitHub would not take', async () => {
  const headSha = await fixture.commit('main', { x: '' });
  const run = { name: 'gate', headSha, conclusion: 'failure', title: 'No', summary: 'because\n' } as const;
  expect(await writeCheckRun(github, repository, run)).toBe(true);
  expect(await writeCheckRun(github, repository, run)).toBe(false);
  expect(await writeCheckRun(github, repository, { ...run, summary: 'ä line\n'.repeat(20_000) })).toBe(true);
  expect(await writeCheckRun(github, repository, { ...run, conclusion: 'success' })).toBe(true);
  const { check_runs: runs } = await fixture.call('GET', `commits/${headSha}/check-runs?filter=all`);
  expect((runs as { conclusion: string }[]).map(({ conclusion }) => conclusion)).toEqual([
    'success',
    'failure',
    'failure',
  ]);
});
