import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { pluginText } from '@slipway/core/plugin/testing';
import { RELEASE_CHECK } from '@slipway/core/pull-request/release-record';
import { GATE } from '@slipway/core/storage/gate-check';
import { commitFiles, type SeedFile } from '@slipway/sandbox/github/seed';
import { type GitHubServer, startGitHub } from '@slipway/sandbox/github/server';
import { type OssServer, startOss } from '@slipway/sandbox/oss/server';
import { type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Diagnosis } from './doctor/diagnosis.ts';
import { doctor } from './doctor.ts';
import { inputs } from './inputs.ts';

const REPOSITORY = 'acme/releases';
const PIN = 'c0ffee'.repeat(7).slice(0, 40);
/** What the job's own token may do. */
const JOB = {
  token: 'job',
  login: 'github-actions[bot]',
  repositories: [REPOSITORY],
  permissions: { contents: 'read', pull_requests: 'read', checks: 'read', actions: 'read' },
} as const;
const CREDENTIALS = {
  'source-username': 'puller',
  'source-password': 'pull-secret',
  'target-username': 'pusher',
  'target-password': 'push-secret',
};
const SECRETS = JSON.stringify({
  'source-password': true,
  'target-password': true,
  OSS_ACCESS_KEY_ID: true,
  OSS_ACCESS_KEY_SECRET: true,
});

let directory: string;
let github: GitHubServer;
let registry: RegistryServer;
let oss: OssServer;
let app: Record<string, string>;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'doctor-'));
  const tokens = [{ token: 'sandbox-token', login: 'ada' }, JOB];
  const collaborators = { 'lin-wei': 'write', 'mei-lan': 'write' } as const;
  github = await startGitHub({
    directory: join(directory, 'github'),
    repositories: { [REPOSITORY]: { path: null, private: true, collaborators } },
    tokens,
  });
  const permissions = { contents: 'write', pull_requests: 'write', issues: 'write', checks: 'write' } as const;
  const made = await github.addApp({ id: 7, slug: 'slipway', permissions, repositories: [REPOSITORY] });
  app = { 'app-id': String(made.id), 'app-private-key': made.privateKey };
  const credentials = [
    { username: 'puller', password: 'pull-secret', readOnly: true },
    { username: 'pusher', password: 'push-secret' },
  ];
  registry = await startRegistry({ directory: join(directory, 'registry'), auth: 'token', credentials });
  oss = await startOss({
    directory: join(directory, 'oss'),
    region: 'oss-cn-hangzhou',
    buckets: ['acme-release'],
    credentials: [],
  });
});

afterEach(async () => {
  await Promise.all([github.close(), registry.close(), oss.close()]);
  await rm(directory, { recursive: true, force: true });
});

const configuration = (more = ''): string => `plugins:
  prefix: acme-plugins-
  source: cargo.example.com/team
  target: harbor.example.com/release
  upload: "oss://acme-release/plugins/{prefix}{plugin}/{file}"
  team: acme/platform-release
oss: { region: oss-cn-hangzhou, endpoint: "${oss.url.replace('127.0.0.1', 'localhost')}" }
registries:
  cargo.example.com: { endpoint: "${registry.url}", plain-http: true }
  harbor.example.com: { endpoint: "${registry.url}", plain-http: true }
${more}`;

const caller = (workflow: string, ref: string, more = ''): string =>
  `on: push\njobs:\n  go:\n    uses: acme/actions/.github/workflows/${workflow}.yml@${ref}\n${more}`;

const healthy = (): Record<string, SeedFile> => ({
  '.github/slipway.yaml': configuration(),
  '.github/workflows/check.yml': caller('plugin-pull-request', 'v1'),
  '.github/workflows/release.yml': caller('plugin-release', PIN),
  OWNERS: 'approvers: [lin-wei, mei-lan]\n',
  'release-plugins/logs.yaml': pluginText('logs'),
});

const commit = (branch: string, files: Record<string, SeedFile>): Promise<string> =>
  commitFiles(github.repositoryPath(REPOSITORY), branch, files, { message: 'x' });

const protect = (branch: string, check: string): void =>
  github.setProtection(REPOSITORY, branch, {
    kind: 'ruleset',
    checks: [{ context: check, appId: 7 }],
    approvals: 1,
    dismissStale: true,
  });

async function examine(texts: Record<string, string> = {}, withApp = true) {
  const { apiUrl, graphqlUrl } = github;
  const env = { DOCKER_CONFIG: join(directory, 'no-docker'), GITHUB_ACTION_REPOSITORY: 'acme/actions' };
  const runtime = recordRuntime(env, { repository: REPOSITORY, apiUrl, graphqlUrl, name: 'workflow_dispatch' });
  const given = { mode: 'doctor', token: JOB.token, secrets: SECRETS, ...CREDENTIALS, ...(withApp && app), ...texts };
  const outputs = await doctor(inputsFrom(inputs, given), runtime);
  await runtime.end();
  const plan = outputs.plan as readonly Diagnosis[];
  const find = (check: string): Diagnosis | undefined => plan.find((each) => each.check === check);
  const wrong = plan.filter(({ state }) => state !== 'ok').map(({ check, state }) => `${check}: ${state}`);
  return { runtime, outputs, plan, find, wrong };
}

describe('a release repository', () => {
  it('that is ready passes, and nothing is changed anywhere', async () => {
    await commit('main', healthy());
    protect('main', RELEASE_CHECK);
    const { runtime, outputs, wrong } = await examine();
    expect(wrong).toEqual([]);
    expect(outputs).toMatchObject({ result: 'updated', changed: false });
    expect(runtime.failures).toEqual([]);
    const changes = github.requests.filter(
      ({ method, path }) => method !== 'GET' && !/installation|graphql/.test(path),
    );
    expect(changes).toEqual([]);
    expect(registry.requests.filter(({ method }) => method === 'POST' || method === 'PUT')).toEqual([]);
    expect(runtime.summary.toString()).toContain('Is this repository ready?');
  });

  it('whose configuration is broken gets told where, and nothing else is guessed', async () => {
    await commit('main', { ...healthy(), '.github/slipway.yaml': 'plugins: { sorce: x }\n' });
    const { runtime, plan } = await examine();
    expect(plan).toMatchObject([{ check: 'configuration', state: 'error' }]);
    expect(plan[0]?.found).toContain("Did you mean 'source'?");
    expect(runtime.failures).toHaveLength(1);
  });

  it('without settings is told which lines to add', async () => {
    await commit('main', { ...healthy(), '.github/slipway.yaml': null });
    const { find } = await examine();
    expect(find('configuration')).toMatchObject({ state: 'warning' });
    expect(find('settings for releases')?.found).toContain('target: harbor.example.com/release');
    expect(find('settings for releases')).toMatchObject({ state: 'error' });
  });

  it('without secrets is told what does not work', async () => {
    await commit('main', healthy());
    const { find } = await examine({ secrets: '{"oss-access-key-id": false, "oss-access-key-secret": true}' });
    expect(find('secret oss-access-key-id')).toMatchObject({ state: 'error' });
    expect(find('secret oss-access-key-secret')).toMatchObject({ state: 'ok' });
    expect(find('secret target-password')).toMatchObject({ state: 'unknown' });
  });

  it('is told of a registry that does not take the password, and of one that lets us only pull', async () => {
    await commit('main', healthy());
    const wrong = await examine({ 'source-password': 'guessed' });
    expect(wrong.find('source registry')).toMatchObject({ state: 'error' });
    const readOnly = { 'target-username': 'puller', 'target-password': 'pull-secret' };
    const { find } = await examine(readOnly);
    expect(find('source registry')).toMatchObject({ state: 'ok' });
    expect(find('target registry')).toMatchObject({ state: 'error' });
  });

  it('is told of an object store that is none, or does not answer', async () => {
    const other = configuration().replace(oss.url.replace('127.0.0.1', 'localhost'), registry.url);
    await commit('main', { ...healthy(), '.github/slipway.yaml': other });
    expect((await examine()).find('object store')?.found).toContain('not as OSS does');
    await commit('main', { '.github/slipway.yaml': configuration() });
    await oss.close();
    expect((await examine()).find('object store')).toMatchObject({ state: 'error' });
  });

  it('is told of an App that may not what the workflows need, and of what works without one', async () => {
    await commit('main', healthy());
    const { privateKey } = await github.addApp({
      id: 8,
      slug: 'weak',
      permissions: { contents: 'read' },
      repositories: [REPOSITORY],
    });
    const weak = await examine({ 'app-id': '8', 'app-private-key': privateKey });
    expect(weak.find('GitHub App')).toMatchObject({ state: 'error' });
    expect(weak.find('GitHub App')?.found).toContain('checks: write');
    const none = await examine({}, false);
    expect(none.find('GitHub App')).toMatchObject({ state: 'warning' });
    expect(none.find('GitHub App')?.found).toContain('dispatched');
  });

  it('is told of an App of which there is only half, and takes the word of the workflow for its key', async () => {
    await commit('main', healthy());
    const id = { 'app-id': '7' };
    expect((await examine(id, false)).find('GitHub App')).toMatchObject({ state: 'error' });
    const key = '{"app-private-key": true}';
    expect((await examine({ secrets: key }, false)).find('GitHub App')).toMatchObject({ state: 'error' });
    expect((await examine({ ...id, secrets: key }, false)).find('GitHub App')).toMatchObject({ state: 'ok' });
  });

  it('is told what its rules leave open, and what it may not see', async () => {
    await commit('main', healthy());
    const open = await examine();
    expect(open.find('required check on main')).toMatchObject({ state: 'warning' });
    expect(open.find('reviews on main')).toMatchObject({ state: 'warning' });
    github.setProtection(REPOSITORY, 'main', {
      kind: 'branch-protection',
      checks: [RELEASE_CHECK],
      approvals: 1,
      dismissStale: true,
    });
    const hidden = await examine();
    expect(hidden.find('required check on main')?.found).toContain('anybody');
    expect(hidden.find('reviews on main')).toMatchObject({ state: 'unknown' });
    const permissions = { ...JOB.permissions, administration: 'read' } as const;
    github.addToken({ ...JOB, token: 'administrator', permissions });
    const seen = await examine({ token: 'administrator' });
    expect(seen.find('reviews on main')).toMatchObject({ state: 'ok' });
  });

  it.each([
    ['approvers: [lin-wei]\n', 'owners', 'warning'],
    ['approvers: [lin-wei, nobody-knows]\n', 'owner nobody-knows', 'error'],
    ['approvers: []\n', 'owners', 'error'],
    ['approvers: [', 'owners', 'error'],
    [null, 'owners', 'warning'],
  ])('is told about its owners: %j', async (owners, check, state) => {
    await commit('main', { ...healthy(), OWNERS: owners });
    expect((await examine()).find(check)).toMatchObject({ state });
  });

  it('is told what is wrong with its plugins, counted by rule', async () => {
    await commit('main', { ...healthy(), 'release-plugins/gpu.yaml': pluginText('gpu', { port: 8080 }) });
    const { find } = await examine();
    expect(find('plugin files')).toMatchObject({ state: 'warning' });
    expect(find('plugin files')?.found).toMatch(/2 plugins.*port-conflict \(error\): \d/);
  });

  it('is told what its workflows get wrong', async () => {
    const files = {
      '.github/workflows/release.yml': caller('plugin-release', 'v1', '    secrets: inherit\n'),
      '.github/workflows/broken.yml': 'on: [\n',
    };
    await commit('main', { ...healthy(), ...files });
    const { find } = await examine();
    expect(find('workflows by commit')).toMatchObject({ state: 'error' });
    expect(find('secrets by name')).toMatchObject({ state: 'error' });
    expect(find('workflow .github/workflows/broken.yml')).toMatchObject({ state: 'warning' });
  });
});

describe('a storage repository', () => {
  const storage =
    'storage:\n  image: harbor.example.com/release/distribution\n  rollout: { namespace: a, deployment: "b-{distribution}" }\n';
  const branch = (): Record<string, SeedFile> => ({
    Dockerfile: 'FROM scratch\n',
    '.github/workflows/distribution.yml': caller('distribution', PIN),
  });

  async function setUp(): Promise<void> {
    const own = configuration(storage).replace(/^plugins:\n(?: {2}.*\n)*/, '');
    await commit('main', {
      '.github/slipway.yaml': own,
      '.github/workflows/gate.yml': caller('storage-pull-request', 'v1'),
    });
    for (const name of ['production', 'staging', 'snapshot']) {
      await commitFiles(github.repositoryPath(REPOSITORY), name, branch(), { message: 'x', parent: null });
      protect(name, GATE);
    }
  }

  it('that is ready passes, but for the reviewers of production', async () => {
    await setUp();
    const { wrong, outputs } = await examine({
      secrets: '{"kubeconfig": true, "target-password": true}',
    });
    expect(wrong).toEqual(['environment production: warning']);
    expect(outputs.result).toBe('updated');
  });

  it('is told what its branches get wrong', async () => {
    await setUp();
    await commit('staging', { Dockerfile: null, '.github/slipway.yaml': 'storage: {}\n' });
    await commit('snapshot', { '.github/workflows/distribution.yml': caller('distribution', 'v1') });
    github.setProtection(REPOSITORY, 'production', undefined);
    github.setEnvironment(REPOSITORY, 'production', {});
    const { plan, find } = await examine();
    const staging = plan.filter(({ check }) => check === 'branch staging');
    expect(staging).toMatchObject([
      { state: 'error', found: expect.stringContaining('Dockerfile') as string },
      { state: 'warning', found: expect.stringContaining('slipway.yaml') as string },
    ]);
    expect(find('callers of the distributions')).toMatchObject({
      state: 'error',
      found: 'They differ: production and staging; snapshot.',
    });
    expect(find('required check on production')).toMatchObject({ state: 'error' });
    expect(find('environment production')?.found).toContain('no reviewers');
  });

  it('is told of a branch that is not there', async () => {
    await setUp();
    await commit('main', {
      '.github/slipway.yaml': configuration(
        `${storage}  distributions: { production: {}, nightly: { upstream: [production] } }\n`,
      ),
    });
    expect((await examine()).find('branch nightly')).toMatchObject({ state: 'error' });
  });
});
