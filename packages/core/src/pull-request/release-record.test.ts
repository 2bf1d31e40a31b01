import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commitFiles } from '@slipway/sandbox/github/seed';
import { type GitHubServer, startGitHub } from '@slipway/sandbox/github/server';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connectGitHub, type GitHub } from '../github/connect.ts';
import { readViewer } from '../github/viewer.ts';
import type { Plugin } from '../plugin/plugin.ts';
import { listReleaseRecords, type ReleaseRecord, readReleaseRecord, writeReleaseRecord } from './release-record.ts';

const REPOSITORY = 'acme/releases';
const SELF = 'slipway[bot]';

let directory: string;
let server: GitHubServer;
let github: GitHub;
let commit: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'release-record-'));
  const permissions = { checks: 'write' } as const;
  server = await startGitHub({
    directory,
    repositories: { [REPOSITORY]: null },
    tokens: [
      { token: 'app', login: SELF, permissions },
      { token: 'evil', login: 'evil[bot]', permissions },
    ],
  });
  commit = await commitFiles(server.repositoryPath(REPOSITORY), 'main', { a: 'b' }, { message: 'x' });
  github = connectGitHub({ token: 'app', apiUrl: server.apiUrl, graphqlUrl: server.graphqlUrl });
});

afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

function makeRecord(more: Partial<ReleaseRecord> = {}): ReleaseRecord {
  const image = { source: 'a.example/x:v1', target: 'b.example/x:v1', name: 'x', digest: `sha256:${'1'.repeat(64)}` };
  const plugin: Plugin = {
    plugin: 'x',
    version: 'v1.0.0',
    file: 'x.yaml',
    commit,
    blob: 'b'.repeat(40),
    images: [image],
  };
  const who = { pullRequest: 7, commit, by: 'ada', approvedBy: ['lin'], at: '2026-01-01T00:00:00.000Z' };
  return { version: 1, state: 'intent', ...who, plugins: [plugin], packages: [], ...more };
}

const read = () => readReleaseRecord(github, REPOSITORY, { commit, pullRequest: 7 }, SELF);

async function forge(token: string, body: object): Promise<void> {
  const response = await fetch(`${server.apiUrl}/repos/${REPOSITORY}/check-runs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ name: 'slipway / release', head_sha: commit, external_id: 'slipway-release/7', ...body }),
  });
  if (!response.ok) throw new Error(await response.text());
}

it('knows who writes', async () => {
  expect(await readViewer(github)).toBe(SELF);
});

it('keeps everything, through all states', async () => {
  const record = makeRecord({
    reason: '```\n@all',
    overwrite: true,
    run: { id: 5, attempt: 2 },
    comment: 9,
  });
  const first = await writeReleaseRecord(github, REPOSITORY, record, undefined);
  expect(await read()).toEqual({ id: first.id, record });
  const failed = { ...record, state: 'failed' as const, problem: 'x', withdrawnBy: 'ada', withdrawnIn: 3 };
  expect((await writeReleaseRecord(github, REPOSITORY, failed, first)).id).toBe(first.id);
  expect(await read()).toEqual({ id: first.id, record: failed });
  // A check that is completed is not opened again.
  const second = await writeReleaseRecord(github, REPOSITORY, record, { id: first.id, record: failed });
  expect(second.id).toBeGreaterThan(first.id);
  const done = makeRecord({ state: 'done' });
  await writeReleaseRecord(github, REPOSITORY, done, second);
  expect(await read()).toEqual({ id: second.id, record: done });
});

it('reads what is ours alone, however much others write', async () => {
  const { id } = await writeReleaseRecord(github, REPOSITORY, makeRecord(), undefined);
  const output = { title: 'x', summary: 'x', text: 'x' };
  for (let written = 0; written < 101; written += 1) await forge('evil', { output });
  await forge('app', { output, external_id: 'other' });
  expect((await read())?.id).toBe(id);
});

it.each([
  ['no JSON', 'hello'],
  ['broken JSON', '```json\n{\n```'],
  ['another version', '```json\n{"version":2}\n```'],
  ['a plugin that is none', () => fenced({ ...makeRecord(), plugins: [{ plugin: '../x' }] })],
  ['another pull request', () => fenced(makeRecord({ pullRequest: 8 }))],
  ['what cannot be unpacked', '```brotli\nAAAA\n```'],
  ['another commit', () => fenced(makeRecord({ commit: 'd'.repeat(40) }))],
  ['another state than the check', () => fenced(makeRecord({ state: 'done' }))],
])('takes no older record when the newest holds %s', async (_, text) => {
  await writeReleaseRecord(github, REPOSITORY, makeRecord(), undefined);
  const output = { title: 'x', summary: 'x', text: typeof text === 'string' ? text : text() };
  await forge('app', { status: 'in_progress', output });
  await expect(read()).rejects.toMatchObject({ code: 'release-record' });
});

it('keeps the records of two pull requests of one commit apart', async () => {
  const own = await writeReleaseRecord(github, REPOSITORY, makeRecord(), undefined);
  const twin = await writeReleaseRecord(github, REPOSITORY, makeRecord({ pullRequest: 8 }), undefined);
  const failed = { ...twin.record, state: 'failed' as const, problem: 'x' };
  await writeReleaseRecord(github, REPOSITORY, failed, twin);
  expect(await read()).toEqual(own);
  const all = await listReleaseRecords(github, REPOSITORY, commit, SELF);
  expect(all.map(({ record }) => [record.pullRequest, record.state])).toEqual([
    [8, 'failed'],
    [7, 'intent'],
  ]);
});

it('goes on in a new check when GitHub has closed the old one', async () => {
  const { id, record } = await writeReleaseRecord(github, REPOSITORY, makeRecord(), undefined);
  // What GitHub does by itself after two weeks.
  const response = await fetch(`${server.apiUrl}/repos/${REPOSITORY}/check-runs/${id}`, {
    method: 'PATCH',
    headers: { authorization: 'Bearer app' },
    body: JSON.stringify({ status: 'completed', conclusion: 'stale' }),
  });
  expect(response.status).toBe(200);
  const stale = await read();
  expect(stale).toEqual({ id, record, isStale: true });
  const failed = { ...record, state: 'failed' as const, problem: 'x' };
  const next = await writeReleaseRecord(github, REPOSITORY, failed, stale);
  expect(next.id).toBeGreaterThan(id);
  expect(await read()).toEqual({ id: next.id, record: failed });
});

function fenced(record: unknown): string {
  return `\`\`\`json\n${JSON.stringify(record)}\n\`\`\`\n`;
}
