import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { connectGitHub } from '@slipway/core/github/connect';
import { gitBlobId } from '@slipway/core/github/git-object';
import { pluginText } from '@slipway/core/plugin/testing';
import { type ReleaseRecord, writeReleaseRecord } from '@slipway/core/pull-request/release-record';
import { commitFiles, type SeedFile } from '@slipway/sandbox/github/seed';
import { type GitHubServer, startGitHub } from '@slipway/sandbox/github/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { merged } from './merged.ts';

const REPOSITORY = 'acme/releases';
const ADMIN = 'sandbox-token';
const APP = 'slipway[bot]';
const LOGS = 'release-plugins/logs.yaml';
const ZEROS = '0'.repeat(40);
/** What the App may do when a push is looked at. */
const JOB = {
  token: 'job',
  login: APP,
  repositories: [REPOSITORY],
  permissions: { contents: 'read', pull_requests: 'write', checks: 'read' },
} as const;

let directory: string;
let github: GitHubServer;
let base: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'merged-'));
  const tokens = [{ token: ADMIN, login: 'ada' }, JOB, { token: 'app', login: APP }];
  github = await startGitHub({ directory: join(directory, 'github'), repositories: { [REPOSITORY]: null }, tokens });
  base = await commit('main', {
    [LOGS]: text('v0.1.0'),
    'release-plugins/gpu.yaml': pluginText('gpu', { port: 8082 }),
  });
});

afterEach(async () => {
  await github.close();
  await rm(directory, { recursive: true, force: true });
});

const text = (version: string): string => pluginText('logs', { version });

function commit(branch: string, files: Record<string, SeedFile>, parent?: string): Promise<string> {
  const place = { message: 'x', ...(parent !== undefined && { parent }) };
  return commitFiles(github.repositoryPath(REPOSITORY), branch, files, place);
}

async function call(method: string, path: string, body?: unknown): Promise<unknown> {
  const headers = { authorization: `Bearer ${ADMIN}` };
  const address = `${github.apiUrl}/repos/${REPOSITORY}/${path}`;
  const response = await fetch(address, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** Opens a pull request with these files, and returns its number and its head. */
async function openPullRequest(branch: string, files: Record<string, SeedFile>) {
  const head = await commit(branch, files, base);
  const pull = (await call('POST', 'pulls', { title: 'feat: x', head: branch, base: 'main', body: '' })) as object;
  return { number: Number((pull as { number: unknown }).number), head };
}

async function release(
  { number, head }: { number: number; head: string },
  files: Record<string, string>,
  state: ReleaseRecord['state'] = 'done',
): Promise<void> {
  const plugins = Object.entries(files).map(([file, content]) => {
    const plugin = file.replace(/^.*\/|\.yaml$/g, '');
    return { plugin, version: 'v0.2.0', file, commit: head, blob: gitBlobId(Buffer.from(content)), images: [] };
  });
  const who = { pullRequest: number, commit: head, by: 'ada', approvedBy: ['lin-wei'] };
  const record = { version: 1, state, ...who, plugins, packages: [], at: '2026-11-20T00:00:00.000Z' } as const;
  const app = connectGitHub({ token: 'app', apiUrl: github.apiUrl, graphqlUrl: github.graphqlUrl });
  await writeReleaseRecord(app, REPOSITORY, record, undefined);
}

async function merge(number: number, method = 'squash'): Promise<string> {
  const answer = (await call('PUT', `pulls/${number}/merge`, { merge_method: method })) as { sha: string };
  return answer.sha;
}

async function look(after: string, texts: Record<string, string> = {}, payload: Record<string, unknown> = {}) {
  const { apiUrl, graphqlUrl } = github;
  const push = { before: base, after, commits: [{ id: after }], ...payload };
  const event = { repository: REPOSITORY, apiUrl, graphqlUrl, name: 'push', ref: 'refs/heads/main', payload: push };
  const runtime = recordRuntime({}, event);
  const outputs = await merged(inputsFrom(inputs, { mode: 'merged', token: JOB.token, ...texts }), runtime);
  return { runtime, outputs };
}

async function commentsOf(number: number): Promise<string[]> {
  const comments = (await call('GET', `issues/${number}/comments`)) as { body: string }[];
  return comments.map(({ body }) => body);
}

describe('a push', () => {
  it.each(['squash', 'merge'])('of what was released, by %s, is fine', async (method) => {
    const pull = await openPullRequest('logs', { [LOGS]: text('v0.2.0') });
    await release(pull, { [LOGS]: text('v0.2.0') });
    const { runtime, outputs } = await look(await merge(pull.number, method));
    expect(outputs).toMatchObject({ result: 'updated', changed: false, plan: [] });
    expect(runtime.failures).toEqual([]);
    expect(await commentsOf(pull.number)).toEqual([]);
  });

  it('of another content than was released fails with both ids, the pull request and the cure, and says so there', async () => {
    const pull = await openPullRequest('logs', { [LOGS]: text('v0.3.0') });
    await release(pull, { [LOGS]: text('v0.2.0') });
    const after = await merge(pull.number);
    const { runtime, outputs } = await look(after);
    const [is, was] = ['v0.3.0', 'v0.2.0'].map((version) => gitBlobId(Buffer.from(text(version))));
    expect(outputs).toMatchObject({ result: 'refused', changed: true });
    expect(outputs.plan).toMatchObject([{ file: LOGS, blob: is, released: was, pullRequest: pull.number }]);
    for (const word of [LOGS, is, was, `#${pull.number}`, 'bumps the version']) {
      expect(runtime.failures.join()).toContain(word);
    }
    const comments = await commentsOf(pull.number);
    expect(comments).toHaveLength(1);
    expect(comments[0]).toContain(was);
    await look(after);
    expect(await commentsOf(pull.number)).toEqual(comments);
  });

  it('is told of in a comment of our own, whatever others have put under our marker', async () => {
    const pull = await openPullRequest('logs', { [LOGS]: text('v0.2.0') });
    const after = await merge(pull.number);
    const forged = '<!-- slipway: merged -->\nAll is well.';
    await call('POST', `issues/${pull.number}/comments`, { body: forged });
    await look(after);
    expect(await commentsOf(pull.number)).toEqual([forged, expect.stringContaining('is not what was released')]);
  });

  it('of what nobody asked to release fails', async () => {
    const pull = await openPullRequest('logs', { [LOGS]: text('v0.2.0') });
    const { runtime, outputs } = await look(await merge(pull.number));
    expect(outputs.result).toBe('refused');
    expect(runtime.failures.join()).toContain('no release of it was asked for');
  });

  it('of a release that is not finished fails', async () => {
    const pull = await openPullRequest('logs', { [LOGS]: text('v0.2.0') });
    await release(pull, { [LOGS]: text('v0.2.0') }, 'intent');
    const { runtime } = await look(await merge(pull.number));
    expect(runtime.failures.join()).toContain('not finished');
  });

  it('does not believe a record that another app has written', async () => {
    const pull = await openPullRequest('logs', { [LOGS]: text('v0.2.0') });
    await release(pull, { [LOGS]: text('v0.2.0') });
    github.addToken({ ...JOB, token: 'else', login: 'else[bot]' });
    const { outputs } = await look(await merge(pull.number), { token: 'else' });
    expect(outputs.result).toBe('refused');
  });

  it('without a pull request fails, and has nobody to tell', async () => {
    const { runtime, outputs } = await look(await commit('main', { [LOGS]: text('v0.2.0') }));
    expect(outputs).toMatchObject({ result: 'refused', changed: false, plan: [{ file: LOGS }] });
    expect(runtime.failures.join()).toContain('without a pull request');
  });

  it('of several pull requests is judged by the record of each', async () => {
    const gpu = pluginText('gpu', { port: 8082, version: 'v0.2.0' });
    const first = await openPullRequest('logs', { [LOGS]: text('v0.2.0') });
    const second = await openPullRequest('gpu', { 'release-plugins/gpu.yaml': gpu });
    await release(first, { [LOGS]: text('v0.2.0') });
    const commits = [await merge(first.number), await merge(second.number)].map((id) => ({ id }));
    const { outputs } = await look(commits[1]?.id ?? '', {}, { commits });
    expect(outputs.plan).toMatchObject([{ file: 'release-plugins/gpu.yaml', pullRequest: second.number }]);
    expect(await commentsOf(first.number)).toEqual([]);
    expect(await commentsOf(second.number)).toHaveLength(1);
  });

  it('that deletes or renames a plugin, or changes anything else, is fine', async () => {
    const files = { [LOGS]: null, 'release-plugins/log-viewer.yaml': text('v0.1.0'), 'README.md': 'x' };
    const { outputs } = await look(await commit('main', { ...files, 'release-plugins/gpu.yaml': null }));
    expect(outputs.result).toBe('updated');
  });

  it('changes nothing in a dry run', async () => {
    const pull = await openPullRequest('logs', { [LOGS]: text('v0.2.0') });
    const { outputs } = await look(await merge(pull.number), { 'dry-run': 'true' });
    expect(outputs).toMatchObject({ result: 'refused', changed: false });
    expect(await commentsOf(pull.number)).toEqual([]);
  });

  it('that makes or deletes a branch is none of ours', async () => {
    expect((await look(base, {}, { before: ZEROS })).outputs.result).toBe('ignored');
    expect((await look(ZEROS)).outputs.result).toBe('ignored');
  });
});
