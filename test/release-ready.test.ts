import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectGitHub } from '@slipway/core/github/connect';
import { commitFiles } from '@slipway/sandbox/github/seed';
import { type GitHubServer, startGitHub } from '@slipway/sandbox/github/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readNotes } from '../scripts/release/changelog.ts';
import { checksOf, requireGreen } from '../scripts/release/green.ts';
import { temporaryDirectory } from './bundle.ts';

const root = join(import.meta.dirname, '..');
const REPOSITORY = 'acme/actions';
const CI = readFileSync(join(root, '.github/workflows/ci.yml'), 'utf8');
const checks = checksOf(CI);

let server: GitHubServer;
let commit: string;

beforeEach(async () => {
  const tokens = [
    { token: 'job', login: 'github-actions[bot]', permissions: { contents: 'read', checks: 'write' } },
    { token: 'other', login: 'someone[bot]', permissions: { checks: 'write' } },
  ] as const;
  server = await startGitHub({ directory: temporaryDirectory(), repositories: { [REPOSITORY]: null }, tokens });
  commit = await commitFiles(server.repositoryPath(REPOSITORY), 'main', { 'a.txt': 'a' }, { message: 'a' });
});

afterEach(() => server.close());

/** Writes a check as the App behind the token. */
async function write(name: string, state: Readonly<Record<string, string>>, token = 'job'): Promise<void> {
  const response = await fetch(`${server.apiUrl}/repos/${REPOSITORY}/check-runs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ name, head_sha: commit, ...state }),
  });
  expect(response.status).toBe(201);
}

const succeed = (name: string, token?: string) => write(name, { status: 'completed', conclusion: 'success' }, token);

function ask(at = commit): Promise<void> {
  const github = connectGitHub({ token: 'job', apiUrl: server.apiUrl });
  return requireGreen(github, REPOSITORY, { branch: 'main', commit: at, checks });
}

describe('main', () => {
  it('is green when every job of our CI has succeeded at its head', async () => {
    expect(checks).toEqual(['format, lint and types', 'tests', 'release tree']);
    for (const name of checks) await succeed(name);
    await write('something else', { status: 'completed', conclusion: 'failure' });
    await expect(ask()).resolves.toBeUndefined();
  });

  it('is not green without one of them, and says which', async () => {
    await expect(ask()).rejects.toThrow('format, lint and types (missing), tests (missing), release tree (missing)');
    for (const name of checks) await succeed(name);
    await write('tests', { status: 'in_progress' });
    await expect(ask()).rejects.toThrow(`main is not green at ${commit}: tests (in_progress).`);
    await write('tests', { status: 'completed', conclusion: 'failure' });
    await expect(ask()).rejects.toThrow('tests (failure)');
    await succeed('tests');
    await expect(ask()).resolves.toBeUndefined();
  });

  it('is not made green by what another App writes', async () => {
    for (const name of checks) await succeed(name, name === 'tests' ? 'other' : 'job');
    await expect(ask()).rejects.toThrow('tests (missing)');
  });

  it('must be where the release is made from', async () => {
    for (const name of checks) await succeed(name);
    const head = await commitFiles(server.repositoryPath(REPOSITORY), 'main', { 'a.txt': 'b' }, { message: 'b' });
    await expect(ask()).rejects.toThrow(`is at ${head}, not at ${commit} any more`);
  });
});

describe('the notes of a release', () => {
  const changelog = (heading: string, body = '\n### Added\n\n- a thing\n'): string =>
    `# Changelog\n\n## [2.0.0] - 2026-12-01\n\nlater\n\n${heading}\n${body}\n## [0.9.0] - 2026-01-01\n\nolder\n\n[0.9.0]: https://x\n`;

  it('are the section of its version', () => {
    expect(readNotes(changelog('## [1.0.0] - 2026-11-20'), '1.0.0')).toBe('### Added\n\n- a thing');
    expect(readNotes(changelog('## [1.0.0] - 2026-11-20'), '0.9.0')).toBe('older');
  });

  it.each([
    [changelog('## [1.0.1] - 2026-11-20'), /no section '## \[1\.0\.0\] - <date>'/],
    [changelog('## [1.0.0] - unreleased'), /'unreleased' is no date of 1\.0\.0/],
    [changelog('## [1.0.0] - 2026-11-20', ''), /says nothing of 1\.0\.0/],
  ])('are missing in %#', (text, message) => {
    expect(() => readNotes(text, '1.0.0')).toThrow(message);
  });
});

describe('npm run release:ready', () => {
  it.each([
    [['1.2'], /'1\.2' is no version/],
    [['99.0.0'], /CHANGELOG\.md has no section/],
  ])('refuses %j', async (args, message) => {
    const script = join(root, 'scripts/release-ready.ts');
    const env = { PATH: process.env['PATH'] };
    const said = new Promise<string>((resolve) => {
      execFile(process.execPath, ['--conditions=@slipway/source', script, ...args], { env }, (_, out, error) =>
        resolve(`${out}${error}`),
      );
    });
    expect(await said).toMatch(message);
  });
});
