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

async function warnings(appId?: string): Promise<readonly string[]> {
  const runtime = recordRuntime();
  const connected = connectGitHub({ token: 'job', apiUrl: github.apiUrl });
  await warnUnlessRequired(connected, REPOSITORY, { branch: 'main', check: CHECK, appId }, runtime);
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

it.each([
  ['4711', 4711, []],
  ['4711', 15_368, ['nothing can be merged']],
  ['4711', 4712, ['nothing can be merged']],
  // A client id tells nothing but that it is no id of GitHub's own.
  ['Iv23liabc', 4711, []],
  ['Iv23liabc', 15_368, ['nothing can be merged']],
  [undefined, 15_368, ['every workflow of this repository']],
])('compares the App %s with %i, from which the check is required', async (appId, required, wanted) => {
  github.setProtection(REPOSITORY, 'main', { checks: [{ context: CHECK, appId: required }] });
  expect(await warnings(appId)).toEqual(wanted.map((text) => expect.stringContaining(text)));
});
