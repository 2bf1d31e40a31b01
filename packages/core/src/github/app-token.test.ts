import { generateKeyPairSync, verify } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commitFiles } from '@slipway/sandbox/github/seed';
import { type GitHubServer, startGitHub } from '@slipway/sandbox/github/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AppPermissions, mintInstallationToken, revokeInstallationToken, signAppToken } from './app-token.ts';
import { findBranchHead } from './branch.ts';
import { writeCheckRun } from './check-run.ts';
import { connectGitHub } from './connect.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
/** Seconds since the epoch. */
const NOW = 1_800_000_000;

const decode = (part: string | undefined): unknown => JSON.parse(Buffer.from(part ?? '', 'base64url').toString());

describe('the token by which an App proves itself', () => {
  it('is signed with its key, begins a minute ago and ends within ten minutes', () => {
    const token = signAppToken({ id: 'Iv1.abc', privateKey: PEM }, NOW);
    const [header, claims, signature = ''] = token.split('.');
    expect(decode(header)).toEqual({ alg: 'RS256', typ: 'JWT' });
    expect(decode(claims)).toEqual({ iss: 'Iv1.abc', iat: NOW - 60, exp: NOW + 480 });
    const signed = Buffer.from(`${header}.${claims}`);
    expect(verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url'))).toBe(true);
  });

  it('takes a key whose line ends a store of secrets keeps as two characters', () => {
    const kept = PEM.replaceAll('\n', '\\n');
    expect(signAppToken({ id: '7', privateKey: kept }, NOW)).toBe(signAppToken({ id: '7', privateKey: PEM }, NOW));
  });

  it('is refused for what is no private key, without showing it', () => {
    expect(() => signAppToken({ id: '7', privateKey: 'hunter2' }, NOW)).toThrow(
      /^(?!.*hunter2).*'app-private-key' is no private key in PEM form/s,
    );
  });
});

describe('the token of an App for one repository', () => {
  const [OURS, OTHER, FOREIGN] = ['acme/ours', 'acme/other', 'else/where'] as const;
  const app = { id: '7', privateKey: PEM };
  let directory: string;
  let github: GitHubServer;
  let head: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'app-token-'));
    const repositories = Object.fromEntries([OURS, OTHER, FOREIGN].map((name) => [name, { private: true }]));
    github = await startGitHub({ directory, repositories });
    const permissions = { contents: 'write', checks: 'write' } as const;
    await github.addApp({ id: 7, slug: 'slipway', privateKey: PEM, permissions, repositories: [OURS, OTHER] });
    for (const name of [OURS, OTHER]) {
      head = await commitFiles(github.repositoryPath(name), 'main', { a: 'a' }, { message: 'x' });
    }
  });

  afterAll(async () => {
    await github.close();
    await rm(directory, { recursive: true, force: true });
  });

  const mint = (repository: string, permissions: AppPermissions, more: Partial<typeof app> = {}) =>
    mintInstallationToken({ apiUrl: github.apiUrl }, { ...app, ...more }, repository, permissions);

  it('acts as the App, reaches that repository alone, and does no more than was asked for', async () => {
    const { token, login } = await mint(OURS, { contents: 'read' });
    expect(login).toBe('slipway[bot]');
    const asApp = connectGitHub({ token, apiUrl: github.apiUrl });
    expect(await findBranchHead(asApp, OURS, 'main')).toMatch(/^[0-9a-f]{40}$/);
    await expect(findBranchHead(asApp, OTHER, 'main')).rejects.toMatchObject({ code: 'github-not-found' });
    const check = { name: 'x', headSha: head, conclusion: 'success', title: 'x', summary: 'x' } as const;
    await expect(writeCheckRun(asApp, OURS, check)).rejects.toMatchObject({ code: 'github-forbidden' });
  });

  it('is worth nothing any more once it is revoked', async () => {
    const { token } = await mint(OURS, { contents: 'read' });
    const asApp = connectGitHub({ token, apiUrl: github.apiUrl });
    await revokeInstallationToken(asApp);
    await expect(findBranchHead(asApp, OURS, 'main')).rejects.toMatchObject({ code: 'github-unauthorized' });
  });

  it.each([
    ['the App is not installed there', FOREIGN, { contents: 'read' }, {}],
    ['the App lacks a permission', OURS, { pull_requests: 'write' }, {}],
    ['the key is of another App', OURS, { contents: 'read' }, { id: '8' }],
  ] as const)('is refused with what to mend when %s', async (_, repository, permissions, more) => {
    const permission = Object.entries(permissions)
      .map(([name, level]) => `${name.replace('_', '-')}: ${level}`)
      .join();
    await expect(mint(repository, permissions, more)).rejects.toMatchObject({
      code: 'app-token',
      message: expect.stringContaining(`Install the App on ${repository}, with these permissions: ${permission};`),
    });
  });
});
