import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import type { EventContext } from '@slipway/core/github/event';
import { parsePlugin } from '@slipway/core/plugin/plugin';
import { pluginText } from '@slipway/core/plugin/testing';
import { commitFiles, type SeedFile } from '@slipway/sandbox/github/seed';
import { type GitHubServer, startGitHub } from '@slipway/sandbox/github/server';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage } from '@slipway/sandbox/images/sample-image';
import { makeIndex } from '@slipway/sandbox/images/sample-index';
import { type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

const REPOSITORY = 'acme/releases';
const READER = {
  token: 'reader',
  login: 'bot',
  repositories: [REPOSITORY],
  permissions: { contents: 'read', pull_requests: 'read' },
} as const;
const CONFIGURATION = `plugins:
  prefix: acme-plugins-
  source: cargo.example.com/team
  target: harbor.example.com/release
  team: acme/platform-release
`;
const BODY = '**Release note**:\n\n/kind release\n/queue need-queue\n/cc @lin-wei @acme/platform-release\n';

const runGit = (parameters: string[]) => promisify(execFile)('git', parameters);

let directory: string;
let github: GitHubServer;
let base: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'validate-plugin-'));
  const tokens = [{ token: 'sandbox-token', login: 'ada' }, READER];
  github = await startGitHub({ directory: join(directory, 'github'), repositories: { [REPOSITORY]: null }, tokens });
  base = await commit('main', {
    '.github/slipway.yaml': CONFIGURATION,
    'README.md': '# Releases\n',
    OWNERS: 'approvers: [lin-wei]\n',
    'release-plugins/logs.yaml': pluginText('logs', { port: 8081 }),
    'release-plugins/gpu.yaml': pluginText('gpu', { port: 8082, slots: ['system.plugin_center'] }),
  });
});

afterEach(async () => {
  await github.close();
  await rm(directory, { recursive: true, force: true });
});

function commit(branch: string, files: Record<string, SeedFile>, parent?: string): Promise<string> {
  const bare = github.repositoryPath(REPOSITORY);
  return commitFiles(bare, branch, files, { message: 'x', ...(parent !== undefined && { parent }) });
}

async function call(method: string, path: string, body: unknown): Promise<Record<string, unknown>> {
  const headers = { authorization: 'Bearer sandbox-token' };
  const response = await fetch(`${github.apiUrl}/repos/${path}`, { method, headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
}

async function openPullRequest(head: string, files: Record<string, SeedFile>, body = BODY): Promise<number> {
  await commit(head, files, base);
  const pull = await call('POST', `${REPOSITORY}/pulls`, { title: 'feat: release', head, base: 'main', body });
  return Number(pull['number']);
}

function validate(texts: Record<string, string>, event: Partial<EventContext> = {}) {
  const env = { DOCKER_CONFIG: join(directory, 'no-docker') };
  const { apiUrl, graphqlUrl } = github;
  const runtime = recordRuntime(env, { repository: REPOSITORY, apiUrl, graphqlUrl, ...event });
  return { runtime, result: run(inputsFrom(inputs, { token: READER.token, ...texts }), runtime) };
}

async function validatePullRequest(number: number, texts: Record<string, string> = {}) {
  const { runtime, result } = validate({ 'pull-request': String(number), ...texts });
  return { runtime, outputs: await result };
}

describe('a pull request', () => {
  it('that is right is valid, and says what it releases', async () => {
    const text = pluginText('logs', { port: 8081, version: 'v0.2.0' });
    const number = await openPullRequest('logs', { 'release-plugins/logs.yaml': text });
    const { runtime, outputs } = await validatePullRequest(number);
    expect(outputs).toMatchObject({ valid: true, findings: [], changed: false });
    expect(outputs.plugins).toMatchObject([
      {
        plugin: 'logs',
        version: 'v0.2.0',
        file: 'release-plugins/logs.yaml',
        commit: outputs.commit,
        images: [{ source: 'cargo.example.com/team/acme-plugins-logs:v0.2.0' }],
      },
    ]);
    expect(parsePlugin(outputs.plugins[0], 'plugin')).toEqual(outputs.plugins[0]);
    expect(runtime.failures).toEqual([]);
    expect(runtime.annotations).toEqual([]);
    expect(runtime.summary.toString()).toContain('The plugins are valid');
    expect(github.requests.every(({ method }) => method === 'GET' || method === 'POST')).toBe(true);
  });

  it('that is wrong fails on the line, with the outputs set', async () => {
    const text = pluginText('logs', { port: 8082 }).replace("value: '8082'", 'value: 8082');
    const number = await openPullRequest(
      'logs',
      { 'release-plugins/logs.yaml': text },
      BODY.replace('/kind release\n', ''),
    );
    const { runtime, outputs } = await validatePullRequest(number);
    expect(outputs.valid).toBe(false);
    expect(outputs.findings.map(({ file, line, rule }) => [file, line, rule])).toEqual([
      ['', 1, 'pull-request-kind'],
      ['release-plugins/logs.yaml', 6, 'version-increase'],
      ['release-plugins/logs.yaml', 12, 'port-conflict'],
      ['release-plugins/logs.yaml', 17, 'schema'],
    ]);
    expect(runtime.failures).toEqual(['The plugins are not valid: 4 errors and 0 warnings.']);
    expect(runtime.annotations).toHaveLength(4);
    expect(runtime.annotations[0]).not.toHaveProperty('file');
    expect(runtime.annotations[2]).toMatchObject({
      severity: 'error',
      title: 'port-conflict',
      file: 'release-plugins/logs.yaml',
      line: 12,
      column: 11,
    });
    expect(runtime.annotations[2]?.message).toContain('release-plugins/gpu.yaml:12');
  });

  it('is judged by the configuration of the base, not by its own', async () => {
    const number = await openPullRequest('logs', {
      '.github/slipway.yaml': `${CONFIGURATION}  rules: { only-plugin-files: off, port-conflict: off }\n`,
      'release-plugins/logs.yaml': pluginText('logs', { port: 8082, version: 'v0.2.0' }),
    });
    const { outputs } = await validatePullRequest(number);
    expect(outputs.findings.map(({ file, rule }) => [file, rule])).toEqual([
      ['.github/slipway.yaml', 'only-plugin-files'],
      ['release-plugins/logs.yaml', 'port-conflict'],
    ]);
  });

  it('is judged against the head of the base now', async () => {
    const number = await openPullRequest('new', { 'release-plugins/new.yaml': pluginText('new', { port: 9000 }) });
    expect((await validatePullRequest(number)).outputs.valid).toBe(true);
    await commit('main', { 'release-plugins/rival.yaml': pluginText('rival', { port: 9000 }) });
    const { outputs } = await validatePullRequest(number);
    expect(outputs.findings).toMatchObject([{ rule: 'port-conflict', severity: 'error' }]);
    expect(outputs.plugins.map(({ plugin }) => plugin)).toEqual(['new']);
  });

  it('hears of the other open pull requests with the same base', async () => {
    const rival = await openPullRequest('rival', { 'release-plugins/rival.yaml': pluginText('rival', { port: 9000 }) });
    await openPullRequest('docs', { 'README.md': '# Other\n' });
    const number = await openPullRequest('new', { 'release-plugins/new.yaml': pluginText('new', { port: 9000 }) });
    const { outputs } = await validatePullRequest(number);
    expect(outputs.valid).toBe(true);
    expect(outputs.findings).toMatchObject([{ rule: 'port-conflict', severity: 'warning' }]);
    expect(outputs.findings[0]?.message).toContain(`#${rival}`);
    await call('PATCH', `${REPOSITORY}/pulls/${rival}`, { state: 'closed' });
    expect((await validatePullRequest(number)).outputs.findings).toEqual([]);
  });

  it('may delete and rename plugins, which releases nothing', async () => {
    const number = await openPullRequest(
      'clean',
      {
        'release-plugins/gpu.yaml': null,
        'release-plugins/logs.yaml': null,
        'release-plugins/log-reader.yaml': pluginText('logs', { port: 8081 }),
      },
      '',
    );
    const { outputs } = await validatePullRequest(number);
    expect(outputs.valid).toBe(true);
    expect(outputs.findings.map(({ rule }) => rule)).toEqual(['metadata-name']);
    expect(outputs.plugins).toEqual([]);
  });

  it('gets findings for everything that is no plugin, and nobody reads it', async () => {
    const huge = Buffer.alloc(5_000_000, 'a: 1\n');
    const number = await openPullRequest('bad', {
      'release-plugins/huge.yaml': huge,
      'release-plugins/link.yaml': { symlink: '../../../etc/passwd' },
      'release-plugins/module.yaml': { submodule: 'a'.repeat(40) },
      'release-plugins/sub/dir.yaml': 'a: 1\n',
      'release-plugins/old.yml': 'a: 1\n',
      'release-plugins/UPPER.yaml': 'a: 1\n',
      'release-plugins/empty.yaml': '',
      'release-plugins/<img src=x onerror=alert(1)>.yaml': 'a: 1\n',
      'src/index.ts': 'console.log(1)\n',
    });
    const { runtime, outputs } = await validatePullRequest(number);
    expect(outputs.findings.map(({ file, line, rule }) => [file, line, rule])).toEqual([
      ['release-plugins/<img src=x onerror=alert(1)>.yaml', 1, 'file-name'],
      ['release-plugins/UPPER.yaml', 1, 'file-name'],
      ['release-plugins/empty.yaml', 1, 'yaml-syntax'],
      ['release-plugins/huge.yaml', 1, 'file-size'],
      ['release-plugins/link.yaml', 1, 'file-kind'],
      ['release-plugins/module.yaml', 1, 'file-kind'],
      ['release-plugins/old.yml', 1, 'file-name'],
      ['release-plugins/sub/dir.yaml', 1, 'file-kind'],
      ['src/index.ts', 1, 'only-plugin-files'],
    ]);
    expect(runtime.summary.toString()).not.toContain('<img');
    const blobs = github.requests.filter(({ path }) => path.includes('/git/blobs/'));
    expect(blobs).toHaveLength(4 + 1);
    expect(new Set(blobs.map(({ path }) => path)).size).toBe(blobs.length);
  });

  it('may list its images', async () => {
    const text = pluginText('logs', { port: 8081, version: 'v0.2.0' });
    const number = await openPullRequest('logs', { 'release-plugins/logs.yaml': text });
    const source = 'cargo.example.com/team/acme-plugins-logs';
    const both = await validatePullRequest(number, { images: `${source}-agent:v7\n${source}:v0.2.0` });
    expect(both.outputs.plugins[0]?.images.map(({ name }) => name)).toEqual(['logs', 'logs-agent']);
    const misspelt = await validatePullRequest(number, {
      images: `# pushed by hand\n\n${source}:v0.2.0\n  ${source}-Agent:v7\n`,
    });
    expect(misspelt.outputs.findings).toMatchObject([{ rule: 'pull-request-images', file: '', line: 4 }]);
    expect(misspelt.runtime.summary.toString()).toContain('list of images, line 4');
    const json = await validatePullRequest(number, { images: JSON.stringify([`${source}:v0.2.0`, 'x']) });
    expect(json.outputs.findings).toMatchObject([{ rule: 'pull-request-images', line: 1 }]);
    const wrong = await validatePullRequest(number, { images: `${source}-agent:v7` });
    expect(wrong.outputs.findings).toMatchObject([{ rule: 'pull-request-images', line: 13 }]);
  });

  it('is the one of the event, at the commit of the event', async () => {
    const text = pluginText('logs', { port: 8081, version: 'v0.2.0' });
    const number = await openPullRequest('logs', { 'release-plugins/logs.yaml': text });
    const headSha = (await validatePullRequest(number)).outputs.commit;
    const pullRequest = { number, baseRef: 'main', baseSha: base, headSha };
    expect(await validate({}, { pullRequest }).result).toMatchObject({ commit: headSha, valid: true });
    await commit('logs', { 'release-plugins/logs.yaml': text.replace('v0.2.0', 'v0.3.0') });
    await expect(validate({}, { pullRequest }).result).rejects.toThrow(/by now, not at/);
    await expect(validate({ 'pull-request': String(number), commit: headSha }).result).rejects.toThrow(/pushed to/);
  });

  it('is read at one head, though somebody pushes in between', async () => {
    const text = pluginText('logs', { port: 8081, version: 'v0.2.0' });
    const number = await openPullRequest('logs', { 'release-plugins/logs.yaml': text });
    const address = `${github.apiUrl}/repos/${REPOSITORY}/pulls/${number}`;
    const before = await (await fetch(address)).text();
    const head = await commit('logs', { 'release-plugins/logs.yaml': text.replaceAll('v0.2.0', 'v0.3.0') });
    github.failNext({ kind: 'status', status: 200, method: 'GET', path: /\/pulls\/[0-9]+$/, body: before });
    const { outputs } = await validatePullRequest(number);
    expect(outputs).toMatchObject({ commit: head, valid: true, plugins: [{ version: 'v0.3.0' }] });
  });

  it('may come from a fork', async () => {
    const fork = 'contributor/releases';
    await github.addRepository(fork, { forkOf: REPOSITORY });
    await runGit([
      '-C',
      github.repositoryPath(fork),
      'fetch',
      '--quiet',
      github.repositoryPath(REPOSITORY),
      'main:main',
    ]);
    const text = pluginText('logs', { port: 8081, version: 'v0.2.0' });
    const files = { 'release-plugins/logs.yaml': text };
    const head = await commitFiles(github.repositoryPath(fork), 'logs', files, { message: 'x', parent: base });
    const content = { title: 'x', head: 'contributor:logs', base: 'main', body: BODY };
    const number = Number((await call('POST', `${REPOSITORY}/pulls`, content))['number']);
    const { outputs } = await validatePullRequest(number);
    expect(outputs).toMatchObject({ commit: head, valid: true, plugins: [{ version: 'v0.2.0' }] });
  });

  it('may touch one of hundreds of plugins without using up the token', async () => {
    const many = Array.from({ length: 500 }, (_, index) => {
      const text = pluginText(`p-${index}`, { port: 20_000 + index });
      return [`release-plugins/p-${index}.yaml`, text] as const;
    });
    base = await commit('main', Object.fromEntries(many));
    const number = await openPullRequest('logs', {
      'release-plugins/logs.yaml': pluginText('logs', { port: 20_123, version: 'v0.2.0' }),
    });
    const before = github.requests.length;
    const { outputs } = await validatePullRequest(number);
    expect(outputs.findings).toMatchObject([{ rule: 'port-conflict', severity: 'error' }]);
    expect(outputs.findings[0]?.message).toContain('p-123');
    expect(github.requests.length - before).toBeLessThan(40);
    github.failNext({ kind: 'status', status: 404, path: /graphql/, body: '{}', times: 10 });
    expect((await validatePullRequest(number)).outputs).toEqual(outputs);
  });

  it('is judged by the content at its head where GitHub does not say the id', async () => {
    const text = pluginText('logs', { port: 8081, version: 'v0.2.0' });
    const number = await openPullRequest('logs', { 'release-plugins/logs.yaml': text });
    const body = JSON.stringify([{ filename: 'release-plugins/logs.yaml', status: 'modified', sha: null }]);
    github.failNext({ kind: 'status', status: 200, path: /\/files/, body });
    const { outputs } = await validatePullRequest(number);
    expect(outputs).toMatchObject({ valid: true, plugins: [{ plugin: 'logs', version: 'v0.2.0' }] });
  });

  it('shows its own findings before those of others', async () => {
    await commit('main', {
      'release-plugins/a-one.yaml': pluginText('a-one', { port: 7000 }),
      'release-plugins/a-two.yaml': pluginText('a-two', { port: 7000 }),
    });
    const text = pluginText('logs', { port: 8081, version: 'v0.2.0', name: 'x' });
    const number = await openPullRequest('logs', { 'release-plugins/logs.yaml': text });
    const { runtime, outputs } = await validatePullRequest(number);
    expect(outputs.findings.map(({ file }) => file)).toEqual([
      'release-plugins/a-two.yaml',
      'release-plugins/logs.yaml',
    ]);
    expect(runtime.annotations.map(({ file }) => file)).toEqual([
      'release-plugins/logs.yaml',
      'release-plugins/a-two.yaml',
    ]);
  });

  it('that cannot be read says which permission is missing', async () => {
    github.addToken({ token: 'weak', login: 'bot', permissions: { contents: 'read' }, repositories: [REPOSITORY] });
    await github.addRepository(REPOSITORY, { private: true });
    const number = await openPullRequest('docs', { 'README.md': '# Other\n' });
    await expect(validate({ 'pull-request': String(number), token: 'weak' }).result).rejects.toThrow(
      /pull-requests: read/,
    );
    await expect(validate({ 'pull-request': '999' }).result).rejects.toThrow(/#999/);
  });
});

describe('a whole repository', () => {
  it('is checked as it stands at a commit', async () => {
    await commit('main', { 'release-plugins/rival.yaml': pluginText('rival', { port: 8081 }) });
    const head = await validate({}).result;
    expect(head.findings.map(({ file, rule, severity }) => [file, rule, severity])).toEqual([
      ['release-plugins/logs.yaml', 'port-conflict', 'error'],
      ['release-plugins/rival.yaml', 'port-conflict', 'error'],
    ]);
    expect(head.plugins.map(({ plugin }) => plugin)).toEqual(['gpu', 'logs', 'rival']);
    expect(await validate({ commit: base }).result).toMatchObject({ commit: base, valid: true });
    expect(await validate({}, { sha: base }).result).toMatchObject({ commit: base, valid: true });
    expect(() => inputsFrom(inputs, { commit: base.slice(0, 12) })).toThrow(/40 hexadecimal digits/);
  });

  it('may be asked for together with a pull request', async () => {
    const number = await openPullRequest('logs', {
      'release-plugins/logs.yaml': pluginText('logs', { port: 8081, version: 'v0.2.0' }),
    });
    const { outputs } = await validatePullRequest(number, { all: 'true' });
    expect(outputs.plugins.map(({ plugin, version }) => `${plugin} ${version}`)).toEqual(['gpu v0.1.0', 'logs v0.2.0']);
  });
});

describe('check-images', () => {
  let registry: RegistryServer;

  beforeEach(async () => {
    registry = await startRegistry({ directory: join(directory, 'registry') });
    const served = `registries: { cargo.example.com: { endpoint: "${registry.url}", plain-http: true } }\n`;
    await commit('main', { '.github/slipway.yaml': CONFIGURATION + served });
  });

  afterEach(() => registry.close());

  const makeSample = (architecture: string) =>
    makeImage({ seed: architecture, architecture, os: 'linux', mediaTypes: 'oci', layers: [{ size: 2000 }] });

  it('adds digests and platforms, and finds what is missing', async () => {
    const [amd64, arm64] = await Promise.all([makeSample('amd64'), makeSample('arm64')]);
    const index = makeIndex([amd64, arm64]);
    await pushImage(registry.url, 'team/acme-plugins-logs', 'v0.1.0', index);
    const { runtime, result } = validate({ 'check-images': 'true' });
    const { findings, plugins } = await result;
    expect(findings).toMatchObject([
      { file: 'release-plugins/gpu.yaml', line: 13, rule: 'source-image', severity: 'error' },
    ]);
    expect(findings[0]?.message).toContain('it is not in the registry');
    expect(plugins.find(({ plugin }) => plugin === 'logs')?.images).toMatchObject([
      { digest: index.manifest.digest, platforms: ['linux/amd64', 'linux/arm64'] },
    ]);
    expect(runtime.failures).toHaveLength(1);
    await pushImage(registry.url, 'team/acme-plugins-gpu', 'v0.1.0', arm64);
    const again = await validate({ 'check-images': 'true' }).result;
    expect(again.valid).toBe(true);
    expect(again.plugins[0]?.images).toMatchObject([{ digest: arm64.manifest.digest, platforms: ['linux/arm64'] }]);
    expect(registry.requests.some(({ method }) => method === 'PUT')).toBe(true);
  });

  it('contacts no registry unless it is asked for', async () => {
    await validate({}).result;
    expect(registry.requests).toEqual([]);
  });
});
