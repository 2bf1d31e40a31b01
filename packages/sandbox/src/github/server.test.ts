import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { routes } from './api/routes.ts';
import { contractClient, openWorkplace } from './contract-client.ts';
import { gitText, runGit } from './git/git-command.ts';
import { operations } from './openapi/operations.ts';
import { commitFiles } from './seed.ts';
import { startGitHub } from './server.ts';

const here = { owner: 'octo', repo: 'plugins' };

describe('the server', () => {
  it('implements the operations of the slice, and no other', () => {
    expect(routes.map(({ operation }) => operation).sort()).toEqual([...operations].sort());
  });

  it('describes a repository', async () => {
    await using workplace = await openWorkplace();
    const { data } = await workplace.client.rest.repos.get(here);
    expect(data).toMatchObject({ full_name: 'octo/plugins', default_branch: 'main', private: false, fork: false });
    expect(data.clone_url).toBe(`${workplace.server.serverUrl}/octo/plugins.git`);
  });

  it('answers with the headers that clients look at, with and without the prefix', async () => {
    await using workplace = await openWorkplace();
    const { server } = workplace;
    const headers = { authorization: 'Bearer sandbox-token' };
    const first = await fetch(`${server.apiUrl}/repos/octo/plugins`, { headers });
    const etag = first.headers.get('etag') ?? '';
    expect(first.headers.get('x-github-request-id')).toMatch(/^[0-9A-F:]+$/);
    expect(first.headers.get('x-ratelimit-remaining')).toBe('14999');
    const second = await fetch(`${server.url}/repos/octo/plugins`, { headers: { ...headers, 'if-none-match': etag } });
    expect(second.status).toBe(304);
    expect(await second.text()).toBe('');
    expect(second.headers.get('x-ratelimit-remaining')).toBe('14999');
    await workplace.client.rest.issues.create({ ...here, title: 'Something new' });
    const third = await fetch(`${server.url}/repos/octo/plugins`, { headers: { 'if-none-match': etag } });
    expect(third.status).toBe(200);
  });

  it('refuses in the words of GitHub', async () => {
    await using workplace = await openWorkplace();
    const post = async (path: string, body: string, token = 'sandbox-token') => {
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(`${workplace.server.apiUrl}${path}`, { method: 'POST', body, headers });
      return [response.status, await response.json()];
    };
    expect(await post('/nowhere', '{}')).toMatchObject([
      404,
      { message: 'Not Found', documentation_url: expect.any(String) },
    ]);
    expect(await post('/repos/octo/plugins/issues', '{')).toMatchObject([400, { message: 'Problems parsing JSON' }]);
    expect(await post('/repos/octo/plugins/issues', '{"title":5}')).toMatchObject([
      422,
      { message: expect.any(String) },
    ]);
    expect(await post('/repos/octo/plugins/issues', '{}', 'wrong')).toMatchObject([
      401,
      { message: 'Bad credentials' },
    ]);
  });

  it('goes on after a restart, in a repository served in place', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sandbox-github-'));
    const bare = join(directory, 'mine.git');
    await runGit(bare, ['init', '--bare', '--quiet', '--initial-branch=trunk', bare]);
    const base = await commitFiles(bare, 'trunk', { a: '1\n' }, { message: 'One' });
    await commitFiles(bare, 'next', { a: '2\n' }, { message: 'Two', parent: base });
    const options = { directory: join(directory, 'state'), repositories: { 'octo/plugins': bare } };
    const first = await startGitHub(options);
    const { rest } = contractClient(first);
    const { data: pull } = await rest.pulls.create({ ...here, title: 'Two', head: 'next', base: 'trunk' });
    const { data: comment } = await rest.issues.createComment({ ...here, issue_number: pull.number, body: 'kept' });
    await first.close();

    const second = await startGitHub({ directory: options.directory });
    try {
      const again = contractClient(second).rest;
      const { data } = await again.issues.listComments({ ...here, issue_number: pull.number });
      expect(data.map(({ id, body }) => [id, body])).toEqual([[comment.id, 'kept']]);
      expect((await again.pulls.get({ ...here, pull_number: pull.number })).data.mergeable).toBe(true);
      const { data: issue } = await again.issues.create({ ...here, title: 'Next number' });
      expect(issue.number).toBe(pull.number + 1);
      await again.pulls.merge({ ...here, pull_number: pull.number });
      expect(await gitText(bare, ['show', 'trunk:a'])).toBe('2');
    } finally {
      await second.close();
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe('tokens', () => {
  const tokens = [
    { token: 'sandbox-token', login: 'sandbox-admin' },
    {
      token: 'reader',
      login: 'ci[bot]',
      repositories: ['octo/plugins'],
      permissions: { contents: 'read', issues: 'write' },
    },
  ] as const;
  const repositories = { 'octo/plugins': null, 'octo/secret': { private: true } };

  it('limits a token to its permissions and repositories', async () => {
    await using workplace = await openWorkplace({ tokens, repositories });
    const { rest } = contractClient(workplace.server, 'reader');
    await commitFiles(workplace.server.repositoryPath('octo/plugins'), 'main', { a: 'a' }, { message: 'A' });
    await rest.repos.getContent({ ...here, path: 'a' });
    await rest.issues.create({ ...here, title: 'Allowed' });
    await expect(rest.git.createBlob({ ...here, content: 'x' })).rejects.toMatchObject({
      status: 403,
      response: { data: { message: 'Resource not accessible by integration' } },
    });
    await expect(rest.repos.get({ owner: 'octo', repo: 'secret' })).rejects.toMatchObject({ status: 404 });
    await expect(rest.users.getAuthenticated()).rejects.toMatchObject({ status: 403 });
    const team = { org: 'octo', team_slug: 'release' };
    await expect(rest.teams.listMembersInOrg(team)).rejects.toMatchObject({ status: 403 });
  });

  it('lets nobody in particular read what is public', async () => {
    await using workplace = await openWorkplace({ tokens, repositories });
    const status = async (path: string, init?: RequestInit) =>
      (await fetch(`${workplace.server.apiUrl}${path}`, init)).status;
    expect(await status('/repos/octo/plugins')).toBe(200);
    expect(await status('/repos/octo/secret')).toBe(404);
    expect(await status('/repos/octo/plugins/issues', { method: 'POST', body: '{"title":"x"}' })).toBe(401);
  });

  it('hands a token to a job and takes it back', async () => {
    await using workplace = await openWorkplace();
    workplace.server.addToken({ token: 'job', login: 'github-actions[bot]', permissions: { issues: 'write' } });
    const { rest } = contractClient(workplace.server, 'job');
    const { data } = await rest.issues.create({ ...here, title: 'From a job' });
    expect(data.user).toMatchObject({ login: 'github-actions[bot]', type: 'Bot' });
    workplace.server.removeToken('job');
    await expect(rest.issues.create({ ...here, title: 'Too late' })).rejects.toMatchObject({ status: 401 });
  });
});
