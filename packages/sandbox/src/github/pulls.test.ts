import { describe, expect, it } from 'vitest';
import { contractClient, openWorkplace } from './contract-client.ts';
import { gitText, runGit } from './git/git-command.ts';
import { commitFiles } from './seed.ts';

const here = { owner: 'octo', repo: 'plugins' };
const tokens = [
  { token: 'sandbox-token', login: 'sandbox-admin' },
  { token: 'alice-token', login: 'alice' },
];

/** A repository whose branch `feature` changes one file, and the pull request for it, opened by alice. */
async function opened() {
  const workplace = await openWorkplace({ tokens });
  const path = workplace.server.repositoryPath('octo/plugins');
  const base = await commitFiles(path, 'main', { a: 'one\n', b: 'b\n' }, { message: 'Base' });
  const head = await commitFiles(path, 'feature', { a: 'two\n' }, { message: 'Change a', parent: base });
  const alice = contractClient(workplace.server, 'alice-token');
  const { data: pull } = await alice.rest.pulls.create({
    ...here,
    title: 'Two',
    body: 'why',
    head: 'feature',
    base: 'main',
  });
  const request = { ...here, pull_number: pull.number };
  return { ...workplace, path, base, head, alice, pull, request };
}

describe('pull requests', () => {
  it('opens one, lists its files and commits, and finds it by its branches', async () => {
    await using workplace = await opened();
    const { client, alice, request, head, base, pull } = workplace;
    expect(pull).toMatchObject({
      number: 1,
      state: 'open',
      mergeable: true,
      commits: 1,
      changed_files: 1,
      user: { login: 'alice' },
      head: { sha: head, label: 'octo:feature' },
      base: { sha: base },
    });
    const { data: files } = await client.rest.pulls.listFiles(request);
    expect(files).toMatchObject([{ filename: 'a', status: 'modified', patch: '@@ -1 +1 @@\n-one\n+two' }]);
    const { data: commits } = await client.rest.pulls.listCommits(request);
    expect(commits.map(({ sha }) => sha)).toEqual([head]);
    const count = async (filter: object) => (await client.rest.pulls.list({ ...here, ...filter })).data.length;
    expect(await count({})).toBe(1);
    expect(await count({ head: 'octo:feature', base: 'main' })).toBe(1);
    expect(await count({ head: 'octo:other' })).toBe(0);
    expect(await count({ state: 'closed' })).toBe(0);
    const again = { ...here, title: 'Again', head: 'feature', base: 'main' };
    await expect(alice.rest.pulls.create(again)).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining('A pull request already exists for octo:feature.'),
    });
  });

  it('shows removed, added and renamed files page by page', async () => {
    await using workplace = await opened();
    const { client, request, path, head } = workplace;
    await commitFiles(path, 'feature', { b: null, c: 'b\n', d: 'd\n', e: 'e\n' }, { message: 'More', parent: head });
    const pages = await client.paginate(client.rest.pulls.listFiles, { ...request, per_page: 2 });
    expect(pages.map(({ filename, status, previous_filename }) => [filename, status, previous_filename])).toEqual([
      ['a', 'modified', undefined],
      ['c', 'renamed', 'b'],
      ['d', 'added', undefined],
      ['e', 'added', undefined],
    ]);
  });

  it('follows its branches, and tells a conflict', async () => {
    await using workplace = await opened();
    const { client, request, path, base } = workplace;
    await commitFiles(path, 'main', { a: 'three\n' }, { message: 'Meanwhile' });
    const { data: conflicting } = await client.rest.pulls.get(request);
    expect(conflicting).toMatchObject({ mergeable: false, mergeable_state: 'dirty', base: { sha: base } });
    await expect(client.rest.pulls.merge(request)).rejects.toMatchObject({ status: 405 });
    const head = await commitFiles(path, 'feature', { a: 'one\n', c: 'c\n' }, { message: 'Go round it' });
    const { data: fixed } = await client.rest.pulls.get(request);
    expect(fixed).toMatchObject({ mergeable: true, head: { sha: head } });
    expect(fixed.base.sha).toBe(await gitText(path, ['rev-parse', 'main']));
    expect(await gitText(path, ['rev-parse', 'refs/pull/1/head'])).toBe(head);
  });

  it('merges with a merge commit, once', async () => {
    await using workplace = await opened();
    const { client, request, path, head, base } = workplace;
    await expect(client.rest.pulls.merge({ ...request, sha: base })).rejects.toMatchObject({ status: 409 });
    const { data } = await client.rest.pulls.merge({ ...request, sha: head });
    expect(await gitText(path, ['log', '-1', '--format=%P|%s', 'main'])).toBe(
      `${base} ${head}|Merge pull request #1 from octo/feature`,
    );
    const { data: merged } = await client.rest.pulls.get(request);
    expect(merged).toMatchObject({ state: 'closed', merged: true, merge_commit_sha: data.sha, changed_files: 1 });
    expect(merged.merged_by?.login).toBe('sandbox-admin');
    await expect(client.rest.pulls.merge(request)).rejects.toMatchObject({ status: 405 });
  });

  it('squashes several commits into one', async () => {
    await using workplace = await opened();
    const { client, request, path, base } = workplace;
    await commitFiles(path, 'feature', { c: 'c\n' }, { message: 'Add c' });
    await client.rest.pulls.merge({ ...request, merge_method: 'squash' });
    expect(await gitText(path, ['log', '-1', '--format=%P|%an|%B', 'main'])).toBe(
      `${base}|alice|Two (#1)\n\n* Change a\n\n* Add c`,
    );
  });

  it('sees that it was merged by a push, and that its branch is gone', async () => {
    await using workplace = await opened();
    const { client, request, path, head } = workplace;
    await runGit(path, ['update-ref', 'refs/heads/main', head]);
    expect((await client.rest.pulls.get(request)).data).toMatchObject({ merged: true, merge_commit_sha: head });
    await commitFiles(path, 'other', { z: 'z\n' }, { message: 'Other', parent: head });
    const { data: other } = await client.rest.pulls.create({ ...here, title: 'Other', head: 'other', base: 'main' });
    await client.rest.git.deleteRef({ ...here, ref: 'heads/other' });
    const { data: closed } = await client.rest.pulls.get({ ...here, pull_number: other.number });
    expect(closed).toMatchObject({ state: 'closed', merged: false });
  });

  it('takes the head from a fork', async () => {
    await using workplace = await opened();
    const { server, alice, client, path, base } = workplace;
    await server.addRepository('alice/plugins', { forkOf: 'octo/plugins' });
    const fork = server.repositoryPath('alice/plugins');
    await runGit(fork, ['fetch', '--quiet', path, `${base}:refs/heads/main`]);
    const head = await commitFiles(fork, 'mine', { mine: 'x\n' }, { message: 'Mine', parent: base });
    const { data: pull } = await alice.rest.pulls.create({ ...here, title: 'Mine', head: 'alice:mine', base: 'main' });
    expect(pull).toMatchObject({
      head: { sha: head, label: 'alice:mine', repo: { full_name: 'alice/plugins', fork: true } },
    });
    const { data: file } = await client.rest.repos.getContent({ ...here, path: 'mine', ref: head });
    expect(file).toMatchObject({ type: 'file', name: 'mine' });
    const { data: pulls } = await client.rest.pulls.list({ ...here, head: 'alice:mine' });
    expect(pulls.map(({ number }) => number)).toEqual([pull.number]);
  });

  it.each([
    ['a head that is not there', { head: 'absent', base: 'main' }, 'head'],
    ['a base that is not there', { head: 'feature', base: 'absent' }, 'base'],
  ])('refuses %s', async (_, branches, field) => {
    await using workplace = await opened();
    const { client } = workplace;
    const error = { resource: 'PullRequest', field, code: 'invalid' };
    await expect(client.rest.pulls.create({ ...here, title: 'X', ...branches })).rejects.toMatchObject({
      status: 422,
      response: { data: { message: 'Validation Failed', errors: [error] } },
    });
  });

  it('refuses one without a change, changes its words, closes and reopens it', async () => {
    await using workplace = await opened();
    const { client, request, path, base } = workplace;
    await runGit(path, ['update-ref', 'refs/heads/same', base]);
    await expect(client.rest.pulls.create({ ...here, title: 'X', head: 'same', base: 'main' })).rejects.toMatchObject({
      message: expect.stringContaining('No commits between main and same'),
    });
    const { data: closed } = await client.rest.pulls.update({ ...request, title: 'New', body: '', state: 'closed' });
    expect(closed).toMatchObject({ title: 'New', body: '', state: 'closed' });
    expect((await client.rest.pulls.update({ ...request, state: 'open' })).data).toMatchObject({
      state: 'open',
      closed_at: null,
    });
  });
});

describe('reviews', () => {
  it('binds a review to the head, and lets nobody approve their own', async () => {
    await using workplace = await opened();
    const { client, alice, request, head } = workplace;
    await expect(alice.rest.pulls.createReview({ ...request, event: 'APPROVE' })).rejects.toMatchObject({
      status: 422,
      response: { data: { errors: ['Can not approve your own pull request'] } },
    });
    await client.rest.pulls.createReview({ ...request, event: 'APPROVE' });
    await client.rest.pulls.createReview({ ...request, event: 'COMMENT', body: 'hm' });
    const { data } = await alice.rest.pulls.listReviews(request);
    expect(data.map(({ state, commit_id, user }) => [state, commit_id, user?.login])).toEqual([
      ['APPROVED', head, 'sandbox-admin'],
      ['COMMENTED', head, 'sandbox-admin'],
    ]);
  });
});
