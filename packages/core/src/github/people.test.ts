import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GitHubServer, startGitHub } from '@slipway/sandbox/github/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectGitHub, type GitHub } from './connect.ts';
import { ensureLabel, removeLabel } from './labels.ts';
import { isTeamMember, readPermission } from './permissions.ts';

const REPOSITORY = 'acme/releases';

let directory: string;
let server: GitHubServer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'people-'));
  const collaborators = { ada: 'admin', max: 'maintain', wei: 'write', tri: 'triage', rita: 'read' } as const;
  server = await startGitHub({
    directory,
    repositories: { [REPOSITORY]: { collaborators } },
    teams: { 'acme/release': { grace: 'maintainer' } },
    tokens: [
      { token: 'all', login: 'root' },
      { token: 'blind', login: 'x[bot]', permissions: { contents: 'read' } },
    ],
  });
});

afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

const as = (token: string): GitHub => connectGitHub({ token, apiUrl: server.apiUrl });

describe('readPermission', () => {
  it.each([
    ['ada', 'admin'],
    ['max', 'write'],
    ['wei', 'write'],
    ['tri', 'read'],
    ['rita', 'read'],
    ['nobody-knows', 'none'],
  ])('says of %s: %s', async (login, permission) => {
    expect(await readPermission(as('all'), REPOSITORY, login)).toBe(permission);
  });
});

describe('isTeamMember', () => {
  it('tells members from others, and says when it may not know', async () => {
    expect(await isTeamMember(as('all'), 'acme/release', 'Grace')).toBe(true);
    expect(await isTeamMember(as('all'), 'acme/release', 'rita')).toBe(false);
    expect(await isTeamMember(as('all'), 'acme/other', 'grace')).toBe(false);
    await expect(isTeamMember(as('blind'), 'acme/release', 'grace')).rejects.toThrow('members: read');
  });
});

describe('labels', () => {
  it('are made once, and taken off without a word when they are gone', async () => {
    const label = { name: 'kind/release', color: '5319e7', description: 'x' };
    await ensureLabel(as('all'), REPOSITORY, label);
    await ensureLabel(as('all'), REPOSITORY, { ...label, color: '000000' });
    const made = server.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/labels'));
    expect(made).toHaveLength(1);
    await removeLabel(as('all'), REPOSITORY, 1, 'kind/release');
  });
});
