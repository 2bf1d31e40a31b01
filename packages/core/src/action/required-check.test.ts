import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commitFiles } from '@slipway/sandbox/github/seed';
import { type GitHubServer, startGitHub } from '@slipway/sandbox/github/server';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connectGitHub } from '../github/connect.ts';
import { warnUnlessRequired } from './required-check.ts';
import { recordRuntime } from './testing.ts';

const REPOSITORY = 'acme/releases';
const CHECK = 'slipway / release';

let directory: string;
let github: GitHubServer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'required-'));
  github = await startGitHub({
    directory,
    repositories: { [REPOSITORY]: null },
    // What a job may do: no administration.
    tokens: [
      { token: 'job', login: 'github-actions[bot]', repositories: [REPOSITORY], permissions: { contents: 'read' } },
    ],
  });
  await commitFiles(github.repositoryPath(REPOSITORY), 'main', { a: 'b' }, { message: 'x' });
});
afterEach(async () => {
  await github.close();
  await rm(directory, { recursive: true, force: true });
});

async function warnings(): Promise<readonly string[]> {
  const runtime = recordRuntime();
  const connected = connectGitHub({ token: 'job', apiUrl: github.apiUrl });
  await warnUnlessRequired(connected, REPOSITORY, { branch: 'main', check: CHECK }, runtime);
  return runtime.annotations.map(({ severity, message }) => `${severity}: ${message}`);
}

it('warns of a check that is not required, and of one that anybody may write', async () => {
  expect(await warnings()).toEqual([
    expect.stringMatching(/^warning: 'slipway \/ release' is not required for 'main'/),
  ]);
  github.setProtection(REPOSITORY, 'main', { checks: [CHECK] });
  expect(await warnings()).toEqual([expect.stringMatching(/^warning: .* is required for 'main' from any source/)]);
});

it('says nothing where the App alone is believed, or nothing can be known', async () => {
  github.setProtection(REPOSITORY, 'main', { checks: [{ context: CHECK, appId: 4711 }] });
  expect(await warnings()).toEqual([]);
  github.failNext({ kind: 'status', status: 403, path: /rules|protection|branches/, times: 10 });
  expect(await warnings()).toEqual([]);
});
