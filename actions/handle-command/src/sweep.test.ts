import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { connectGitHub, type GitHub } from '@slipway/core/github/connect';
import { type ReleaseRecord, readReleaseRecord, writeReleaseRecord } from '@slipway/core/pull-request/release-record';
import type { ActionsService } from '@slipway/sandbox/actions-service/options';
import { startActionsService } from '@slipway/sandbox/actions-service/service';
import { commitFiles } from '@slipway/sandbox/github/seed';
import { type GitHubServer, startGitHub } from '@slipway/sandbox/github/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { sweep } from './sweep.ts';

const REPOSITORY = 'acme/releases';
const ADMIN = 'sandbox-token';
const APP = 'slipway[bot]';

/** What a job that sweeps may do. */
const JOB = {
  token: 'job',
  login: 'github-actions[bot]',
  repositories: [REPOSITORY],
  permissions: { contents: 'read', pull_requests: 'read', checks: 'read', actions: 'write' },
} as const;

let directory: string;
let github: GitHubServer;
let service: ActionsService;
let app: { readonly 'app-id': string; readonly 'app-private-key': string };
let base: string;

/** A workflow that releases nothing, and ends when the file `gate` is there, or is gone for good. */
const workflow = (gate: string) => `name: release
on:
  workflow_dispatch:
    inputs:
      pull-request: { type: string, default: '' }
      reason: { type: string, default: '' }
permissions: {}
jobs:
  release:
    runs-on: ubuntu-latest
    steps:
      - run: until [ -e '${gate}' ]; do sleep 0.05; done
`;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sweep-'));
  const tokens = [{ token: ADMIN, login: 'ada' }, JOB, { token: 'app', login: APP }];
  github = await startGitHub({ directory: join(directory, 'github'), repositories: { [REPOSITORY]: null }, tokens });
  const permissions = { contents: 'read', pull_requests: 'write', checks: 'write' } as const;
  const { id, privateKey } = await github.addApp({ id: 7, slug: 'slipway', permissions, repositories: [REPOSITORY] });
  app = { 'app-id': String(id), 'app-private-key': privateKey };
  service = startActionsService({ github, repositories: { [REPOSITORY]: {} }, actions: join(directory, 'actions') });
  base = await commitFiles(
    github.repositoryPath(REPOSITORY),
    'main',
    { '.github/workflows/release.yml': workflow(join(directory, 'gate')), 'README.md': 'x' },
    { message: 'x' },
  );
});

afterEach(async () => {
  await service.close();
  await github.close();
  await rm(directory, { recursive: true, force: true });
});

async function call(method: string, path: string, body: unknown, token = ADMIN): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${token}` };
  const address = `${github.apiUrl}/repos/${REPOSITORY}/${path}`;
  const response = await fetch(address, { method, headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.status === 204 ? {} : ((await response.json()) as Record<string, unknown>);
}

interface Pull {
  readonly number: number;
  readonly head: string;
}

async function openPullRequest(title = 'feat: release', labels: readonly string[] = []): Promise<Pull> {
  const branch = `feature-${Math.random().toString(36).slice(2)}`;
  const path = `release-plugins/${branch}.yaml`;
  const parent = { message: 'x', parent: base };
  const head = await commitFiles(github.repositoryPath(REPOSITORY), branch, { [path]: 'x' }, parent);
  const pull = await call('POST', 'pulls', { title, head: branch, base: 'main', body: '' });
  const number = Number(pull['number']);
  if (labels.length > 0) await call('POST', `issues/${number}/labels`, { labels });
  return { number, head };
}

const asApp = (): GitHub => connectGitHub({ token: 'app', apiUrl: github.apiUrl, graphqlUrl: github.graphqlUrl });

async function writeRecord({ number, head }: Pull, more: Partial<ReleaseRecord> = {}): Promise<void> {
  const plugin = {
    plugin: 'logs',
    version: 'v0.2.0',
    file: 'release-plugins/logs.yaml',
    commit: head,
    blob: 'b'.repeat(40),
    images: [],
  };
  const record = { version: 1, state: 'intent', pullRequest: number, commit: head, by: 'ada' } as const;
  const at = new Date().toISOString();
  const plain = { ...record, approvedBy: ['lin-wei'], plugins: [plugin], packages: [], at, ...more };
  const stored = await readReleaseRecord(asApp(), REPOSITORY, { commit: head, pullRequest: number }, APP);
  await writeReleaseRecord(asApp(), REPOSITORY, plain, stored);
}

/** Starts the workflow as a person does, and returns the id of its run. */
async function startRun(isOver: boolean): Promise<number> {
  if (isOver) await writeFile(join(directory, 'gate'), '');
  await call('POST', 'actions/workflows/release.yml/dispatches', { ref: 'main', inputs: { reason: 'by hand' } });
  if (isOver) await service.idle();
  return service.runs.at(-1)?.id ?? 0;
}

async function doSweep(texts: Record<string, string> = {}) {
  const { apiUrl, graphqlUrl } = github;
  const run = { id: 1, attempt: 1, workflow: `${REPOSITORY}/.github/workflows/release.yml@refs/heads/main` };
  const event = { repository: REPOSITORY, apiUrl, graphqlUrl, defaultBranch: 'main', name: 'schedule', run };
  const runtime = recordRuntime({}, event);
  const outputs = await sweep(inputsFrom(inputs, { mode: 'sweep', token: JOB.token, ...app, ...texts }), runtime);
  await runtime.end();
  return { runtime, outputs, plan: outputs.plan as readonly Record<string, unknown>[] };
}

/** What was dispatched for pull requests. */
const dispatched = (): unknown[] =>
  service.runs.filter(({ actor }) => actor === JOB.login).map(({ payload }) => payload['inputs']);

describe('a sweep', () => {
  it('starts a release again whose run is over, on the default branch, as the job', async () => {
    const pull = await openPullRequest();
    const id = await startRun(true);
    await writeRecord(pull, { run: { id, attempt: 1 } });
    const { outputs, plan } = await doSweep();
    await service.idle();
    expect(outputs).toMatchObject({ result: 'updated', changed: true });
    expect(plan).toMatchObject([{ pullRequest: pull.number, state: 'stalled', isDue: true }]);
    const reason = `sweep: run ${id} is over, and nothing works on the release`;
    expect(dispatched()).toEqual([{ 'pull-request': String(pull.number), reason }]);
    expect(service.runs.at(-1)).toMatchObject({ event: 'workflow_dispatch', headBranch: 'main' });
  });

  it('starts a release again whose run is gone, and one that names none', async () => {
    const gone = await openPullRequest();
    const none = await openPullRequest();
    await writeRecord(gone, { run: { id: 424_242, attempt: 1 } });
    await writeRecord(none);
    await writeFile(join(directory, 'gate'), '');
    await doSweep();
    expect(dispatched()).toMatchObject([
      { 'pull-request': String(gone.number) },
      { 'pull-request': String(none.number) },
    ]);
  });

  it('leaves a release alone that a run works on', async () => {
    const pull = await openPullRequest();
    await writeRecord(pull, { run: { id: await startRun(false), attempt: 1 } });
    const { outputs, plan } = await doSweep();
    expect(outputs.result).toBe('ignored');
    expect(plan).toMatchObject([{ state: 'working', isDue: false }]);
    expect(dispatched()).toEqual([]);
  });

  it('starts a release at most once an hour, even when what it starts dies before it has written anything', async () => {
    const pull = await openPullRequest();
    await writeRecord(pull, { run: { id: 424_242, attempt: 1 } });
    await writeFile(join(directory, 'gate'), '');
    await doSweep();
    await service.idle();
    const { outputs, plan } = await doSweep();
    expect(outputs.result).toBe('ignored');
    expect(plan).toMatchObject([{ state: 'stalled', isDue: false }]);
    expect(dispatched()).toHaveLength(1);
  });

  it('is not kept from one release by another that it has just started', async () => {
    const first = await openPullRequest();
    await writeRecord(first);
    await writeFile(join(directory, 'gate'), '');
    await doSweep();
    await service.idle();
    await writeRecord(first, { run: { id: service.runs.at(-1)?.id ?? 0, attempt: 1 } });
    const second = await openPullRequest();
    await writeRecord(second);
    await doSweep();
    expect(dispatched()).toMatchObject([
      { 'pull-request': String(first.number) },
      { 'pull-request': String(second.number) },
    ]);
  });

  it('starts nothing because of labels, and says that they were set by hand', async () => {
    const pull = await openPullRequest('feat: x', ['kind/release', 'queue/working-image-pushed']);
    const { runtime, plan } = await doSweep();
    expect(plan).toMatchObject([{ pullRequest: pull.number, state: 'none', isDue: false }]);
    expect(String(plan[0]?.['disagreement'])).toContain('set by hand');
    expect(runtime.summary.toString()).toContain('set by hand');
    expect(dispatched()).toEqual([]);
  });

  it('does not believe a record that another app has written', async () => {
    const pull = await openPullRequest();
    github.addToken({ token: 'other', login: 'other[bot]' });
    const text = `\`\`\`json\n${JSON.stringify({ version: 1, state: 'intent', pullRequest: pull.number })}\n\`\`\`\n`;
    const output = { title: 'x', summary: 'x', text };
    const forged = {
      name: 'slipway / release',
      head_sha: pull.head,
      external_id: `slipway-release/${pull.number}`,
      output,
    };
    await call('POST', 'check-runs', { ...forged, status: 'in_progress' }, 'other');
    const { plan } = await doSweep();
    expect(plan).toEqual([]);
    expect(dispatched()).toEqual([]);
  });

  it('says of one record that it cannot be read, and goes on with the others', async () => {
    const bad = await openPullRequest();
    const good = await openPullRequest();
    const output = { title: 'x', summary: 'x', text: 'no record' };
    const broken = {
      name: 'slipway / release',
      head_sha: bad.head,
      external_id: `slipway-release/${bad.number}`,
      output,
    };
    await call('POST', 'check-runs', { ...broken, status: 'in_progress' }, 'app');
    await writeRecord(good);
    const { plan } = await doSweep();
    expect(plan).toMatchObject([{ state: 'unknown' }, { state: 'stalled', isDue: true }]);
    expect(dispatched()).toMatchObject([{ 'pull-request': String(good.number) }]);
  });

  it('shows done and failed releases by what is missing, and starts neither', async () => {
    const labels = ['kind/release', 'queue/working-image-pushed'];
    const done = await openPullRequest('a', labels);
    const failed = await openPullRequest('b', labels);
    await writeRecord(done, { state: 'done' });
    await writeRecord(failed, { state: 'failed', problem: 'The image is gone.' });
    const { plan } = await doSweep();
    expect(plan).toMatchObject([
      { state: 'done', missing: 'nothing: it can be merged' },
      { state: 'failed', missing: expect.stringContaining('The image is gone.') as string },
    ]);
    expect(dispatched()).toEqual([]);
  });

  it('dispatches nothing in a dry run, and says what it would', async () => {
    const pull = await openPullRequest();
    await writeRecord(pull);
    const { outputs } = await doSweep({ 'dry-run': 'true' });
    expect(outputs).toMatchObject({ changed: false, result: 'ignored' });
    expect(outputs.reason).toContain(`#${pull.number}`);
    expect(dispatched()).toEqual([]);
  });

  it('escapes the titles that strangers give', async () => {
    await openPullRequest('<img src=x> @everyone | `', ['kind/release', 'queue/working-image-pushed']);
    const { runtime } = await doSweep();
    const page = runtime.summary.toString();
    expect(page).not.toContain('<img');
    expect(page).not.toContain('@everyone');
  });

  it('fails when a release cannot be started', async () => {
    const pull = await openPullRequest();
    await writeRecord(pull);
    const { runtime, outputs } = await doSweep({ workflow: 'absent.yml' });
    expect(outputs.plan).toMatchObject([{ state: 'stalled' }]);
    expect(runtime.failures.join()).toContain(`#${pull.number} cannot be started again`);
  });
});
