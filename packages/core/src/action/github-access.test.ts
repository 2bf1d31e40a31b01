import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commitFiles } from '@slipway/sandbox/github/seed';
import { type GitHubServer, startGitHub } from '@slipway/sandbox/github/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppPermissions } from '../github/app-token.ts';
import { findBranchHead } from '../github/branch.ts';
import { type GitHubInputs, openGitHub } from './github-access.ts';
import { recordRuntime } from './testing.ts';

const REPOSITORY = 'acme/ours';

let directory: string;
let github: GitHubServer;
let app: { readonly 'app-id': string; readonly 'app-private-key': string };

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'github-access-'));
  github = await startGitHub({ directory, repositories: { [REPOSITORY]: { private: true } } });
  await commitFiles(github.repositoryPath(REPOSITORY), 'main', { a: 'a' }, { message: 'x' });
  const permissions = { contents: 'write' } as const;
  const made = await github.addApp({ id: 7, slug: 'slipway', permissions, repositories: [REPOSITORY] });
  app = { 'app-id': '7', 'app-private-key': made.privateKey };
});

afterEach(async () => {
  await github.close();
  await rm(directory, { recursive: true, force: true });
});

async function open(inputs: Partial<GitHubInputs>, permissions: AppPermissions = { contents: 'write' }) {
  const runtime = recordRuntime({}, { apiUrl: github.apiUrl, graphqlUrl: github.graphqlUrl });
  return { runtime, access: await openGitHub(REPOSITORY, permissions, { token: undefined, ...inputs }, runtime) };
}

describe('access to GitHub', () => {
  it('is by a token of the App, which is masked, and revoked when the action ends', async () => {
    const { runtime, access } = await open(app);
    expect(access.login).toBe('slipway[bot]');
    expect(runtime.masked).toEqual([access.token]);
    expect(await findBranchHead(access.github, REPOSITORY, 'main')).toMatch(/^[0-9a-f]{40}$/);
    await runtime.end();
    await expect(findBranchHead(access.github, REPOSITORY, 'main')).rejects.toMatchObject({
      code: 'github-unauthorized',
    });
  });

  it("is by the job's token where there is no App", async () => {
    const { runtime, access } = await open({ token: 'sandbox-token' });
    expect(access).toMatchObject({ token: 'sandbox-token', login: undefined });
    expect(await findBranchHead(access.github, REPOSITORY, 'main')).toMatch(/^[0-9a-f]{40}$/);
    await runtime.end();
    expect(await findBranchHead(access.github, REPOSITORY, 'main')).toMatch(/^[0-9a-f]{40}$/);
  });

  it("needs the App's key for what is written, and not for what is only read", async () => {
    const idAlone = { token: 'sandbox-token', 'app-id': '7' };
    expect((await open(idAlone, { contents: 'read' })).access.token).toBe('sandbox-token');
    await expect(open(idAlone)).rejects.toMatchObject({ code: 'incomplete-credentials' });
    const keyAlone = { 'app-private-key': app['app-private-key'] };
    await expect(open(keyAlone, { contents: 'read' })).rejects.toMatchObject({ code: 'incomplete-credentials' });
  });
});
