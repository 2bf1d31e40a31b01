import { gitText, runGit } from '@slipway/sandbox/github/git/git-command';
import { commitFiles, createBareRepository } from '@slipway/sandbox/github/seed';
import { type GitHubServer, startGitHub } from '@slipway/sandbox/github/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planRelease } from '../scripts/release/publish.ts';
import { Remote } from '../scripts/release/remote.ts';
import { parseVersion } from '../scripts/release/version.ts';
import { temporaryDirectory } from './bundle.ts';
import { filesOf } from './release-place.ts';

const REPOSITORY = 'acme/actions';

let server: GitHubServer;
let git: string;

beforeEach(async () => {
  const tokens = [
    { token: 'job', login: 'github-actions[bot]', permissions: { contents: 'write' } },
    { token: 'app', login: 'release[bot]', permissions: { contents: 'write', workflows: 'write' } },
  ] as const;
  server = await startGitHub({ directory: temporaryDirectory(), repositories: { [REPOSITORY]: null }, tokens });
  await commitFiles(server.repositoryPath(REPOSITORY), 'main', { 'a.txt': 'a' }, { message: 'a' });
  git = temporaryDirectory();
  await createBareRepository(git);
  await runGit(git, ['fetch', '--quiet', server.repositoryPath(REPOSITORY), 'refs/heads/main:refs/heads/main']);
});

afterEach(() => server.close());

/** Releases over HTTP with a token, as the workflow does. */
async function release(token: string): Promise<void> {
  const remote = new Remote(git, `${server.serverUrl}/${REPOSITORY}`, token);
  const source = await gitText(git, ['rev-parse', 'refs/heads/main']);
  const { updates } = await planRelease({ git, remote, version: parseVersion('1.0.0'), source, files: filesOf('x') });
  await remote.push(updates);
}

const refs = (): Promise<string> => gitText(server.repositoryPath(REPOSITORY), ['for-each-ref', '--format=%(refname)']);

describe('a release on GitHub', () => {
  it('is made by an App that may change workflows, and not by the token of a job', async () => {
    await expect(release('job')).rejects.toThrow(/Nothing was pushed.*without `workflows` permission/s);
    expect(await refs()).toBe('refs/heads/main');
    await release('app');
    expect((await refs()).split('\n')).toEqual([
      'refs/heads/main',
      'refs/heads/release/v1',
      'refs/tags/v1',
      'refs/tags/v1.0.0',
    ]);
  });

  it('is refused without a token that is known, which no message repeats', async () => {
    const failure: unknown = await release('stolen').catch((error: unknown) => error);
    expect(String(failure)).toMatch(/git ls-remote .*(?:401|403|Authentication failed|could not read Username)/s);
    expect(String(failure)).not.toMatch(/stolen|c3RvbGVu|eC1hY2Nlc3M/);
  });
});
