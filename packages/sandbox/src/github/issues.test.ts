import { describe, expect, it } from 'vitest';
import { contractClient, openWorkplace } from './contract-client.ts';
import { commitFiles } from './seed.ts';

const here = { owner: 'octo', repo: 'plugins' };

describe('issues', () => {
  it('keeps comments in order, edits and deletes them', async () => {
    await using workplace = await openWorkplace();
    const { rest } = workplace.client;
    const { data: issue } = await rest.issues.create({ ...here, title: 'Broken', body: 'It is.' });
    const about = { ...here, issue_number: issue.number };
    const { data: first } = await rest.issues.createComment({ ...about, body: 'one' });
    const { data: second } = await rest.issues.createComment({ ...about, body: 'two' });
    await rest.issues.updateComment({ ...here, comment_id: first.id, body: 'uno' });
    await rest.issues.deleteComment({ ...here, comment_id: second.id });
    const { data } = await rest.issues.listComments(about);
    expect(data.map(({ id, body }) => [id, body])).toEqual([[first.id, 'uno']]);
    expect((await rest.issues.getComment({ ...here, comment_id: first.id })).data.body).toBe('uno');
    expect((await rest.issues.get(about)).data).toMatchObject({ title: 'Broken', comments: 1 });
    await expect(rest.issues.createComment({ ...about, body: '' })).rejects.toMatchObject({ status: 422 });
    await expect(rest.issues.get({ ...here, issue_number: 99 })).rejects.toMatchObject({ status: 404 });
  });

  it('pages through many comments by Link', async () => {
    await using workplace = await openWorkplace();
    const { rest, paginate } = workplace.client;
    const { data: issue } = await rest.issues.create({ ...here, title: 'Many' });
    const about = { ...here, issue_number: issue.number };
    for (let number = 1; number <= 7; number += 1) await rest.issues.createComment({ ...about, body: `${number}` });
    const all = await paginate(rest.issues.listComments, { ...about, per_page: 3 });
    expect(all.map(({ body }) => body)).toEqual(['1', '2', '3', '4', '5', '6', '7']);
    const { headers, data } = await rest.issues.listComments({ ...about, per_page: 3, page: 2 });
    expect(data).toHaveLength(3);
    const relations = [...(headers.link ?? '').matchAll(/[?&]page=(\d+)[^>]*>; rel="(\w+)"/g)];
    expect(relations.map(([, page, relation]) => [relation, page])).toEqual([
      ['prev', '1'],
      ['next', '3'],
      ['last', '3'],
      ['first', '1'],
    ]);
  });

  it('adds, sets and removes labels', async () => {
    await using workplace = await openWorkplace();
    const { rest } = workplace.client;
    await rest.issues.createLabel({ ...here, name: 'queue/Ready', color: '00ff00', description: 'Go' });
    await expect(rest.issues.createLabel({ ...here, name: 'queue/ready' })).rejects.toMatchObject({
      response: { data: { errors: [{ resource: 'Label', field: 'name', code: 'already_exists' }] } },
    });
    const { data: issue } = await rest.issues.create({ ...here, title: 'Labelled' });
    const about = { ...here, issue_number: issue.number };
    const names = (labels: readonly { name: string }[]) => labels.map(({ name }) => name);
    expect(names((await rest.issues.addLabels({ ...about, labels: ['queue/ready', 'new one'] })).data)).toEqual([
      'queue/Ready',
      'new one',
    ]);
    expect(names((await rest.issues.removeLabel({ ...about, name: 'queue/Ready' })).data)).toEqual(['new one']);
    await expect(rest.issues.removeLabel({ ...about, name: 'absent' })).rejects.toMatchObject({ status: 404 });
    expect(names((await rest.issues.setLabels({ ...about, labels: ['a', 'b'] })).data)).toEqual(['a', 'b']);
    expect(names((await rest.issues.listLabelsOnIssue(about)).data)).toEqual(['a', 'b']);
    await rest.issues.removeAllLabels(about);
    expect((await rest.issues.get(about)).data.labels).toEqual([]);
    expect(names((await rest.issues.listLabelsForRepo(here)).data)).toEqual(['queue/Ready', 'new one', 'a', 'b']);
    expect((await rest.issues.getLabel({ ...here, name: 'queue/ready' })).data.description).toBe('Go');
  });
});

describe('check runs', () => {
  const tokens = [
    { token: 'sandbox-token', login: 'slipway[bot]' },
    { token: 'other', login: 'other[bot]' },
  ];

  it('goes from queued to completed, and belongs to the app that made it', async () => {
    await using workplace = await openWorkplace({ tokens });
    const sha = await commitFiles(
      workplace.server.repositoryPath('octo/plugins'),
      'main',
      { a: 'a' },
      { message: 'A' },
    );
    const { checks } = workplace.client.rest;
    const { data: run } = await checks.create({ ...here, name: 'slipway / release', head_sha: sha, external_id: '42' });
    expect(run).toMatchObject({ status: 'queued', conclusion: null, external_id: '42', app: { slug: 'slipway' } });
    const change = { ...here, check_run_id: run.id };
    const other = contractClient(workplace.server, 'other').rest.checks;
    await expect(other.update({ ...change, conclusion: 'success' })).rejects.toMatchObject({ status: 403 });
    const output = { title: 'Released', summary: 'All is well' };
    const { data: done } = await checks.update({ ...change, status: 'completed', conclusion: 'success', output });
    expect(done).toMatchObject({ status: 'completed', conclusion: 'success', output });
    expect(done.completed_at).not.toBeNull();
    expect((await checks.get(change)).data.output.title).toBe('Released');
  });

  it('lists the latest run of each name for a ref', async () => {
    await using workplace = await openWorkplace({ tokens });
    const sha = await commitFiles(
      workplace.server.repositoryPath('octo/plugins'),
      'main',
      { a: 'a' },
      { message: 'A' },
    );
    const { checks } = workplace.client.rest;
    await checks.create({ ...here, name: 'one', head_sha: sha });
    const { data: again } = await checks.create({ ...here, name: 'one', head_sha: sha });
    const { data: two } = await checks.create({ ...here, name: 'two', head_sha: sha });
    const { data } = await checks.listForRef({ ...here, ref: 'main' });
    expect(data.check_runs.map(({ id }) => id)).toEqual([two.id, again.id]);
    expect((await checks.listForRef({ ...here, ref: sha, filter: 'all' })).data.total_count).toBe(3);
    const { data: named } = await checks.listForRef({ ...here, ref: 'heads/main', check_name: 'two' });
    expect(named.check_runs.map(({ id }) => id)).toEqual([two.id]);
    await expect(checks.create({ ...here, name: 'x', head_sha: 'f'.repeat(40) })).rejects.toMatchObject({
      status: 422,
    });
  });
});

describe('people', () => {
  it('knows roles and teams', async () => {
    await using workplace = await openWorkplace({
      repositories: { 'octo/plugins': { collaborators: { bob: 'maintain' } } },
      teams: { 'octo/release': { carol: 'member' } },
    });
    const { rest } = workplace.client;
    const role = async (username: string) => {
      const { data } = await rest.repos.getCollaboratorPermissionLevel({ ...here, username });
      return [data.permission, data.role_name];
    };
    expect(await role('bob')).toEqual(['write', 'maintain']);
    expect(await role('carol')).toEqual(['read', 'read']);
    expect(await role('octo')).toEqual(['admin', 'admin']);
    expect(await role('sandbox-admin')).toEqual(['admin', 'admin']);
    await expect(role('nobody')).rejects.toMatchObject({ status: 404 });
    const team = { org: 'octo', team_slug: 'release' };
    expect((await rest.teams.getMembershipForUserInOrg({ ...team, username: 'Carol' })).data).toMatchObject({
      role: 'member',
      state: 'active',
    });
    await expect(rest.teams.getMembershipForUserInOrg({ ...team, username: 'bob' })).rejects.toMatchObject({
      status: 404,
    });
    expect((await rest.teams.listMembersInOrg(team)).data.map(({ login }) => login)).toEqual(['carol']);
    expect((await rest.users.getAuthenticated()).data.login).toBe('sandbox-admin');
    expect((await rest.users.getByUsername({ username: 'bob' })).data.type).toBe('User');
    expect((await rest.repos.checkCollaborator({ ...here, username: 'bob' })).status).toBe(204);
  });
});
