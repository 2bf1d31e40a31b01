import { describe, expect, it } from 'vitest';
import { contractClient, openWorkplace } from './contract-client.ts';
import { runGit } from './git/git-command.ts';
import { commitFiles } from './seed.ts';

const here = { owner: 'octo', repo: 'plugins' };
const tokens = [
  { token: 'sandbox-token', login: 'sandbox-admin' },
  { token: 'ada-token', login: 'ada' },
  { token: 'reader-token', login: 'reader' },
  { token: 'slipway', login: 'slipway[bot]', permissions: { checks: 'write' } },
  { token: 'other', login: 'other[bot]', permissions: { checks: 'write' } },
] as const;

/** A pull request of sandbox-admin; ada may write, reader may not. */
async function opened() {
  const workplace = await openWorkplace({
    tokens,
    repositories: { 'octo/plugins': { collaborators: { ada: 'write', reader: 'read' } } },
  });
  const { server, client } = workplace;
  const path = server.repositoryPath('octo/plugins');
  const base = await commitFiles(path, 'main', { a: 'a' }, { message: 'A' });
  const head = await commitFiles(path, 'change', { a: 'b' }, { message: 'B', parent: base });
  const { data } = await client.rest.pulls.create({ ...here, title: 'B', head: 'change', base: 'main' });
  const pull = { ...here, pull_number: data.number };
  const merge = () => client.rest.pulls.merge(pull);
  const approve = (token: string) =>
    contractClient(server, token).rest.pulls.createReview({ ...pull, event: 'APPROVE' });
  const check = (token: string, conclusion?: 'success' | 'failure' | 'skipped') =>
    contractClient(server, token).rest.checks.create({
      ...here,
      name: 'gate',
      head_sha: head,
      ...(conclusion !== undefined && { conclusion }),
    });
  return { ...workplace, path, head, pull, merge, approve, check };
}

const refusal = (message: string) => ({ status: 405, message: expect.stringContaining(message) });

describe('required checks', () => {
  it('must be green, and of the right app', async () => {
    await using workplace = await opened();
    const { server, client, pull, merge, check } = workplace;
    const { id } = await server.addApp({ id: 7, slug: 'slipway', permissions: {}, repositories: [] });
    server.setProtection('octo/plugins', 'main', { checks: [{ context: 'gate', appId: id }] });
    await expect(merge()).rejects.toMatchObject(refusal('Required status check "gate" is expected.'));
    expect((await client.rest.pulls.get(pull)).data.mergeable_state).toBe('blocked');
    await check('other', 'success');
    await expect(merge()).rejects.toMatchObject(refusal('"gate" is expected.'));
    await check('slipway');
    await expect(merge()).rejects.toMatchObject(refusal('"gate" is in progress.'));
    await check('slipway', 'failure');
    await expect(merge()).rejects.toMatchObject(refusal('"gate" is failing.'));
    await check('slipway', 'skipped');
    expect((await merge()).data.merged).toBe(true);
  });

  it('may be of any app, and the base may have to be in the head', async () => {
    await using workplace = await opened();
    const { server, merge, check, path } = workplace;
    server.setProtection('octo/plugins', 'main', { checks: ['gate', 'lint'] });
    await check('other', 'success');
    await expect(merge()).rejects.toMatchObject(refusal('Required status check "lint" is expected.'));
    server.setProtection('octo/plugins', 'main', { checks: ['gate'], strict: true });
    await commitFiles(path, 'main', { c: 'c' }, { message: 'C' });
    await expect(merge()).rejects.toMatchObject(refusal('not up to date'));
    server.setProtection('octo/plugins', 'main', undefined);
    expect((await merge()).data.merged).toBe(true);
  });
});

describe('required reviews', () => {
  it('count from those who may write, until the head moves', async () => {
    await using workplace = await opened();
    const { server, merge, approve, client, pull, path } = workplace;
    server.setProtection('octo/plugins', 'main', { approvals: 1, dismissStale: true });
    await approve('reader-token');
    await expect(merge()).rejects.toMatchObject(refusal('At least 1 approving review is required'));
    await approve('ada-token');
    await commitFiles(path, 'change', { c: 'c' }, { message: 'More' });
    await expect(merge()).rejects.toMatchObject(refusal('At least 1 approving review is required'));
    const { data: reviews } = await client.rest.pulls.listReviews(pull);
    expect(reviews.map(({ state }) => state)).toEqual(['DISMISSED', 'DISMISSED']);
    const ada = contractClient(server, 'ada-token').rest.pulls;
    await ada.createReview({ ...pull, event: 'REQUEST_CHANGES', body: 'no' });
    await expect(merge()).rejects.toMatchObject(refusal('Changes have been requested'));
    await approve('ada-token');
    expect((await merge()).data.merged).toBe(true);
  });

  it('are asked for, and the request ends with the review', async () => {
    await using workplace = await opened();
    const { server, client, pull, approve } = workplace;
    server.setTeam('octo', 'owners', { ada: 'member' });
    const { data } = await client.rest.pulls.requestReviewers({
      ...pull,
      reviewers: ['ada', 'reader'],
      team_reviewers: ['owners'],
    });
    expect(data.requested_reviewers?.map(({ login }) => login)).toEqual(['ada', 'reader']);
    await expect(client.rest.pulls.requestReviewers({ ...pull, reviewers: ['nobody'] })).rejects.toMatchObject({
      status: 422,
    });
    await expect(client.rest.pulls.requestReviewers({ ...pull, reviewers: ['sandbox-admin'] })).rejects.toMatchObject({
      status: 422,
    });
    await approve('ada-token');
    await client.rest.pulls.removeRequestedReviewers({ ...pull, reviewers: ['reader'] });
    const { data: left } = await client.rest.pulls.listRequestedReviewers(pull);
    expect([left.users, left.teams.map(({ slug }) => slug)]).toEqual([[], ['owners']]);
  });
});

describe('a push to a protected branch', () => {
  it('is refused without the reviews or checks', async () => {
    await using workplace = await opened();
    const { server, client, head, path, check } = workplace;
    const moved = { ...here, ref: 'heads/main', sha: head };
    const push = async (token: string): Promise<string> => {
      const url = `${server.serverUrl.replace('//', `//x:${token}@`)}/octo/plugins.git`;
      const { stderr } = await runGit(path, ['push', '-f', url, `${head}:refs/heads/main`], { accept: [0, 1] });
      return stderr;
    };
    server.setProtection('octo/plugins', 'main', { approvals: 1 });
    await expect(client.rest.git.updateRef(moved)).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining('Changes must be made through a pull request.'),
    });
    await expect(client.rest.git.deleteRef(moved)).rejects.toMatchObject({ status: 422 });
    const file = { ...here, path: 'b', message: 'B', content: '' };
    await expect(client.rest.repos.createOrUpdateFileContents(file)).rejects.toMatchObject({ status: 422 });
    expect(await push('sandbox-token')).toMatch(/GH006.*refs\/heads\/main.*through a pull request/s);
    server.setProtection('octo/plugins', 'main', { checks: ['gate'] });
    expect(await push('sandbox-token')).toContain('Required status check "gate" is expected.');
    await check('other', 'success');
    expect(await push('sandbox-token')).toMatch(/main/);
    expect((await client.rest.git.getRef(moved)).data.object.sha).toBe(head);
  });

  it('is not, by whoever may bypass the rules', async () => {
    await using workplace = await opened();
    const { server, head, path, pull } = workplace;
    server.setProtection('octo/plugins', 'main', { approvals: 1, checks: ['gate'], bypass: ['ada'] });
    const ada = contractClient(server, 'ada-token').rest;
    await ada.git.updateRef({ ...here, ref: 'heads/main', sha: head });
    expect((await ada.pulls.get(pull)).data.merged).toBe(true);
    const more = await commitFiles(path, 'other', { d: 'd' }, { message: 'D', parent: head });
    const url = `${server.serverUrl.replace('//', '//x:ada-token@')}/octo/plugins.git`;
    await runGit(path, ['push', url, `${more}:refs/heads/main`]);
    expect((await ada.git.getRef({ ...here, ref: 'heads/main' })).data.object.sha).toBe(more);
  });
});

describe('what is told of a protection', () => {
  const rules = { checks: ['lint', { context: 'gate', appId: 15368 }], approvals: 2, dismissStale: true } as const;

  it('is in the rules of a branch for a ruleset', async () => {
    await using workplace = await opened();
    const { server, client } = workplace;
    server.setProtection('octo/plugins', 'main', rules);
    expect((await client.rest.repos.getBranchRules({ ...here, branch: 'main' })).data).toMatchObject([
      {
        type: 'pull_request',
        parameters: { required_approving_review_count: 2, dismiss_stale_reviews_on_push: true },
      },
      {
        type: 'required_status_checks',
        parameters: { required_status_checks: [{ context: 'lint' }, { context: 'gate', integration_id: 15368 }] },
      },
    ]);
    await expect(client.rest.repos.getBranchProtection({ ...here, branch: 'main' })).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('Branch not protected'),
    });
    expect((await client.rest.repos.getBranchRules({ ...here, branch: 'change' })).data).toEqual([]);
  });

  it('is for administrators only for the older kind', async () => {
    await using workplace = await opened();
    const { server, client } = workplace;
    server.setProtection('octo/plugins', 'main', { ...rules, kind: 'branch-protection' });
    const branch = { ...here, branch: 'main' };
    expect((await client.rest.repos.getBranchProtection(branch)).data).toMatchObject({
      required_status_checks: { contexts: ['lint', 'gate'], checks: [{ app_id: null }, { app_id: 15368 }] },
      required_pull_request_reviews: { required_approving_review_count: 2, dismiss_stale_reviews: true },
    });
    await expect(contractClient(server, 'slipway').rest.repos.getBranchProtection(branch)).rejects.toMatchObject({
      status: 403,
    });
    expect((await client.rest.repos.getBranchRules(branch)).data).toEqual([]);
    const { data } = await client.rest.repos.getBranch(branch);
    expect([data.protected, data.protection.required_status_checks?.contexts]).toEqual([true, ['lint', 'gate']]);
  });
});

it('finds the pull requests of a commit', async () => {
  await using workplace = await opened();
  const { client, head, merge, path } = workplace;
  const find = async (sha: string) =>
    (await client.rest.repos.listPullRequestsAssociatedWithCommit({ ...here, commit_sha: sha })).data.map(
      ({ number, merged_at }) => [number, merged_at !== null],
    );
  expect(await find(head)).toEqual([[1, false]]);
  const { data } = await merge();
  expect([await find(head), await find(data.sha)]).toEqual([[[1, true]], [[1, true]]]);
  const { stdout } = await runGit(path, ['rev-parse', `${head}^`]);
  expect(await find(stdout.toString().trim())).toEqual([]);
});

it('counts who is in a team: also those of teams in it, and not who was only invited', async () => {
  await using workplace = await openWorkplace({ teams: { 'octo/release': { grace: 'maintainer', pat: 'pending' } } });
  const { server, client } = workplace;
  server.setTeam('octo', 'night', { ada: 'maintainer', eve: 'pending' }, 'release');
  const team = { org: 'octo', team_slug: 'release' };
  const of = async (username: string) => {
    const { data } = await client.rest.teams.getMembershipForUserInOrg({ ...team, username });
    return [data.state, data.role];
  };
  expect(await of('grace')).toEqual(['active', 'maintainer']);
  expect(await of('ada')).toEqual(['active', 'member']);
  expect(await of('pat')).toEqual(['pending', 'member']);
  await expect(of('eve')).rejects.toMatchObject({ status: 404 });
  const { data } = await client.rest.teams.listMembersInOrg(team);
  expect(data.map(({ login }) => login).sort()).toEqual(['ada', 'grace']);
});
