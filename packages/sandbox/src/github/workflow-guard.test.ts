import { expect, it } from 'vitest';
import { contractClient, openWorkplace } from './contract-client.ts';
import { runGit } from './git/git-command.ts';
import { commitFiles } from './seed.ts';

const here = { owner: 'octo', repo: 'plugins' };
const path = '.github/workflows/a.yml';
const write = { contents: 'write' } as const;
const tokens = [
  { token: 'user', login: 'ada' },
  { token: 'job', login: 'github-actions[bot]', permissions: write },
  { token: 'app', login: 'slipway[bot]', permissions: { ...write, workflows: 'write' } },
] as const;

it('lets only users, and apps with that permission, bring in workflows', async () => {
  await using workplace = await openWorkplace({ tokens });
  const { server } = workplace;
  const bare = server.repositoryPath('octo/plugins');
  const base = await commitFiles(bare, 'main', { [path]: 'on: push' }, { message: 'A' });
  // A commit that no branch has: fast-import needs one, which is taken away again.
  const evil = await commitFiles(bare, 'evil', { [path]: 'on: issue_comment' }, { message: 'Evil', parent: base });
  const harmless = await commitFiles(bare, 'fine', { b: 'b' }, { message: 'Fine', parent: base });
  for (const branch of ['evil', 'fine']) await runGit(bare, ['update-ref', '-d', `refs/heads/${branch}`]);
  const push = async (token: string, sha: string, branch: string): Promise<string> => {
    const url = `${server.serverUrl.replace('//', `//x:${token}@`)}/octo/plugins.git`;
    const args = ['push', url, `${sha}:refs/heads/${branch}`];
    return (await runGit(bare, args, { accept: [0, 1] })).stderr;
  };
  const job = contractClient(server, 'job').rest;
  const ref = 'refs/heads/by-api';
  await expect(job.git.createRef({ ...here, ref, sha: evil })).rejects.toMatchObject({ status: 403 });
  const file = { ...here, path: '.github/workflows/b.yml', message: 'B', content: '' };
  await expect(job.repos.createOrUpdateFileContents(file)).rejects.toMatchObject({ status: 403 });
  expect(await push('job', evil, 'by-git')).toContain('without `workflows` permission');
  // Nothing new: the branch that it starts from has these workflows.
  await job.git.createRef({ ...here, ref, sha: harmless });
  expect(await push('job', harmless, 'by-git')).toContain('new branch');
  const app = contractClient(server, 'app').rest;
  await app.git.createRef({ ...here, ref: 'refs/heads/by-app', sha: evil });
  expect(await push('user', evil, 'by-user')).toContain('new branch');
});
