import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { commitFiles, createBareRepository, type SeedFile } from '@slipway/sandbox/github/seed';
import { type GitHubServer, startGitHub } from '@slipway/sandbox/github/server';
import { makeFileLayer } from '@slipway/sandbox/images/file-layer';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { findBusybox, makeRegistryBaseImage } from '@slipway/sandbox/images/registry-base-image';
import { composeImage } from '@slipway/sandbox/images/sample-image';
import { makeIndex } from '@slipway/sandbox/images/sample-index';
import { startPackageRegistry } from '@slipway/sandbox/package-registry/server';
import { type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

const TOKEN = 'token-of-the-job';
const IMAGE = 'registry/distribution';
const BASE = 'registry/package-registry';

let directory: string;
let bare: string;
let github: GitHubServer;
let registry: RegistryServer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'build-distribution-'));
  bare = join(directory, 'storage.git');
  await createBareRepository(bare);
  registry = await startRegistry({ directory: join(directory, 'registry') });
  github = await startGitHub({
    directory: join(directory, 'github'),
    repositories: { 'acme/storage': { path: bare, private: true } },
    tokens: [{ token: TOKEN, login: 'robot' }],
  });
  await writeConfiguration();
  await pushImage(registry.url, BASE, 'v1.0.0', makeRegistryBaseImage({ version: 'v1.0.0' }));
});

afterEach(async () => {
  await Promise.all([github.close(), registry.close()]);
  await rm(directory, { recursive: true, force: true });
});

async function writeConfiguration(distributions = ''): Promise<void> {
  const lines = [
    'registries:',
    `  images.example.com: { endpoint: "${registry.url}", plain-http: true }`,
    'storage:',
    '  repository: acme/storage',
    `  image: images.example.com/${IMAGE}`,
    ...(distributions === '' ? [] : ['  distributions:', distributions]),
  ];
  await writeFile(join(directory, 'slipway.yaml'), lines.join('\n'));
}

function build(distribution: string, texts: Record<string, string> = {}, more: NodeJS.ProcessEnv = {}) {
  const env = {
    RUNNER_TEMP: join(directory, 'work'),
    PATH: process.env['PATH'],
    DOCKER_CONFIG: join(directory, 'none'),
    ...more,
  };
  const event = { apiUrl: github.apiUrl, serverUrl: github.serverUrl, repository: 'acme/storage' };
  const runtime = recordRuntime(env, event);
  const given = { distribution, token: TOKEN, config: join(directory, 'slipway.yaml'), checks: 'off', ...texts };
  return { runtime, result: run(inputsFrom(inputs, given), runtime) };
}

function packageFiles(name: string, version: string, more: Record<string, SeedFile> = {}): Record<string, SeedFile> {
  const root = `packages/${name}/${version}`;
  const files = { 'manifest.yml': `name: ${name}\nversion: ${version}\n`, LICENSE: 'the same everywhere\n', ...more };
  return Object.fromEntries(Object.entries(files).map(([path, file]) => [`${root}/${path}`, file]));
}

function dockerfile(distribution: string, upstreams: readonly string[]): string {
  return [
    'ARG PACKAGE_REGISTRY=v1.0.0',
    ...upstreams.map((name) => `FROM images.example.com/${IMAGE}:${name} AS ${name}`),
    `FROM images.example.com/${BASE}:\${PACKAGE_REGISTRY}`,
    'ARG PACKAGE_REGISTRY',
    'LABEL package-registry=${PACKAGE_REGISTRY}',
    ...upstreams.map((name) => `COPY --from=${name} /packages/${name} /packages/${name}`),
    'COPY deployment/package-registry.yml /package-registry/config.yml',
    `COPY packages /packages/${distribution}`,
    'WORKDIR /package-registry',
    'RUN ./package-registry -dry-run',
    'ENV EPR_DISABLE_PACKAGE_VALIDATION=true',
    '',
  ].join('\n');
}

/** Commits a distribution's branch: its own files, and what is given. */
function commit(distribution: string, upstreams: readonly string[], files: Record<string, SeedFile>): Promise<string> {
  const paths = [...upstreams, distribution].map((name) => `  - /packages/${name}\n`).join('');
  return commitFiles(
    bare,
    distribution,
    {
      Dockerfile: dockerfile(distribution, upstreams),
      'deployment/package-registry.yml': `package_paths:\n${paths}`,
      ...files,
    },
    { message: `packages of ${distribution}`, date: new Date('2026-01-02T03:04:05Z') },
  );
}

interface Manifest {
  readonly mediaType: string;
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string; readonly annotations?: Record<string, string> }[];
  readonly manifests?: readonly { readonly digest: string; readonly platform: { readonly architecture: string } }[];
}

async function manifestOf(reference: string): Promise<Manifest> {
  const found = await registry.state.manifest(IMAGE, reference);
  return JSON.parse(found?.content.toString() ?? 'null') as Manifest;
}

interface Config {
  readonly created: string;
  readonly config: { readonly Labels: Record<string, string>; readonly Env: string[]; readonly WorkingDir: string };
}

async function configOf(reference: string): Promise<Config> {
  const { digest } = (await manifestOf(reference)).config;
  const response = await fetch(`${registry.url}/v2/${IMAGE}/blobs/${digest}`);
  return (await response.json()) as Config;
}

async function served(reference: string): Promise<string[]> {
  const server = await startPackageRegistry({ registry: registry.url, repository: IMAGE, reference });
  await server.close();
  return server.packages();
}

function pushes(): number {
  return registry.requests.filter(({ method }) => method === 'PUT' || method === 'POST' || method === 'PATCH').length;
}

const SHELL = { 'run.sh': { content: '#!/bin/sh\n', executable: true } };

describe('build-distribution', () => {
  it('builds what the branch holds, and a registry serves it', async () => {
    const head = await commit('production', [], {
      ...packageFiles('log', '1.0.0', SHELL),
      ...packageFiles('log', '1.1.0'),
      ...packageFiles('tcp', '1.0.0', { [`docs/${'long'.repeat(40)}.md`]: 'x', 'docs/ünïcode.md': 'y', empty: '' }),
    });
    const { runtime, result } = build('production');
    const outputs = await result;
    expect(outputs).toMatchObject({ result: 'built', commit: head, packages: 3, stale: [], changed: true });
    expect(outputs.image).toBe(`images.example.com/${IMAGE}:${head}`);
    expect(runtime.failures).toEqual([]);
    expect(await registry.state.tags(IMAGE)).toEqual([head, 'production'].sort());
    expect(await registry.state.manifest(IMAGE, 'production')).toMatchObject({ digest: outputs.digest });

    const { created, config } = await configOf('production');
    expect(created).toBe('2026-01-02T03:04:05Z');
    expect(config.WorkingDir).toBe('/package-registry');
    expect(config.Env).toContain('EPR_DISABLE_PACKAGE_VALIDATION=true');
    expect(config.Labels).toMatchObject({
      'package-registry': 'v1.0.0',
      'org.opencontainers.image.revision': head,
      'org.opencontainers.image.base.name': `images.example.com/${BASE}:v1.0.0`,
    });

    const server = await startPackageRegistry({ registry: registry.url, repository: IMAGE, reference: 'production' });
    try {
      const get = async (path: string) => fetch(`${server.url}${path}`);
      expect((await get('/health')).status).toBe(200);
      expect(await (await get('/search?all=true&prerelease=true')).json()).toHaveLength(3);
      expect(await (await get('/search?package=log')).json()).toMatchObject([{ name: 'log', version: '1.1.0' }]);
      expect(await (await get('/package/tcp/1.0.0/')).json()).toMatchObject({ name: 'tcp', version: '1.0.0' });
      expect(await (await get(`/package/tcp/1.0.0/docs/${'long'.repeat(40)}.md`)).text()).toBe('x');
      expect(await (await get(`/package/tcp/1.0.0/docs/${encodeURIComponent('ünïcode.md')}`)).text()).toBe('y');
      expect((await get('/package/udp/1.0.0/')).status).toBe(404);
    } finally {
      await server.close();
    }
  });

  it('pushes nothing the second time, and gives the same digest to a machine that knows nothing', async () => {
    await commit('production', [], { ...packageFiles('log', '1.0.0'), ...packageFiles('tcp', '1.0.0') });
    const first = await build('production').result;
    const before = pushes();
    const again = await build('production').result;
    expect(again).toMatchObject({ result: 'unchanged', digest: first.digest, packages: 2, changed: false });
    expect(pushes()).toBe(before);

    const other = await startRegistry({ directory: join(directory, 'other') });
    try {
      await pushImage(other.url, BASE, 'v1.0.0', makeRegistryBaseImage({ version: 'v1.0.0' }));
      const configuration = await readFile(join(directory, 'slipway.yaml'), 'utf8');
      await writeFile(join(directory, 'slipway.yaml'), configuration.replace(registry.url, other.url));
      const fresh = await build('production', {}, { RUNNER_TEMP: join(directory, 'elsewhere') }).result;
      expect(fresh).toMatchObject({ result: 'built', digest: first.digest });
    } finally {
      await other.close();
    }
  });

  it('rewrites one layer for one changed package', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `package_${index}`);
    const files = Object.assign({}, ...names.map((name) => packageFiles(name, '1.0.0'))) as Record<string, SeedFile>;
    await commit('production', [], files);
    const first = await build('production').result;
    await commit('production', [], packageFiles('package_7', '1.1.0'));
    const second = await build('production').result;
    const made = second.plan.layers.filter(({ label, reused }) => label.startsWith('production:') && !reused);
    expect(made).toHaveLength(1);
    expect(second.plan.layers).toHaveLength(first.plan.layers.length);
    const ids = new Set(first.plan.layers.map(({ digest }) => digest));
    expect(second.plan.layers.filter(({ digest }) => !ids.has(digest))).toHaveLength(1);
    expect(second.packages).toBe(41);
  });

  it('cascades: upstream layers by digest, stale in order, a tag of its own for the rebuild', async () => {
    const production = await commit('production', [], packageFiles('log', '1.0.0'));
    await build('production').result;
    const staging = await commit('staging', ['production'], packageFiles('tcp', '1.0.0'));
    const snapshot = await commit('snapshot', ['production', 'staging'], packageFiles('udp', '1.0.0-beta.1'));
    await build('staging').result;
    const third = await build('snapshot').result;
    expect(third).toMatchObject({ result: 'built', packages: 3, stale: [] });
    expect(await served('snapshot')).toEqual(['log-1.0.0', 'tcp-1.0.0', 'udp-1.0.0-beta.1']);
    const upstream = await manifestOf('production');
    const layer = upstream.layers.find(({ annotations }) =>
      annotations?.['dev.slipway.layer']?.startsWith('production:'),
    );
    expect((await manifestOf('snapshot')).layers.map(({ digest }) => digest)).toContain(layer?.digest);

    const next = await commit('production', [], packageFiles('log', '1.1.0'));
    expect(next).not.toBe(production);
    const changed = await build('production').result;
    expect(changed.stale).toEqual(['staging', 'snapshot']);
    const before = await registry.state.manifest(IMAGE, staging);
    const rebuilt = await build('staging').result;
    expect(rebuilt).toMatchObject({ result: 'built', commit: staging, packages: 3, stale: ['snapshot'] });
    expect(rebuilt.image).toMatch(new RegExp(`:${staging}-[0-9a-f]{12}$`));
    expect(await registry.state.manifest(IMAGE, staging)).toMatchObject({ digest: before?.digest });
    expect(await registry.state.manifest(IMAGE, 'staging')).toMatchObject({ digest: rebuilt.digest });
    expect((await build('snapshot').result).image).toContain(`${snapshot}-`);
    expect((await build('production').result).stale).toEqual([]);
    expect(await build('staging').result).toMatchObject({ result: 'unchanged', digest: rebuilt.digest });
  });

  it('never moves the tag back', async () => {
    const old = await commit('production', [], packageFiles('log', '1.0.0'));
    const head = await commit('production', [], packageFiles('log', '1.1.0'));
    const newest = await build('production').result;
    const late = build('production', { commit: old });
    const outputs = await late.result;
    expect(outputs).toMatchObject({ result: 'superseded', commit: old, packages: 1 });
    expect(outputs.plan.superseded).toContain(head);
    expect(late.runtime.failures).toEqual([]);
    expect(await registry.state.manifest(IMAGE, 'production')).toMatchObject({ digest: newest.digest });
    expect(await registry.state.manifest(IMAGE, old)).toMatchObject({ digest: outputs.digest });
  });

  it('never goes back to an older upstream', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    const old = await build('production').result;
    await commit('production', [], packageFiles('log', '1.1.0'));
    await build('production').result;
    await commit('staging', ['production'], packageFiles('tcp', '1.0.0'));
    const newest = await build('staging').result;
    const older = await registry.state.manifest(IMAGE, old.digest);
    await fetch(`${registry.url}/v2/${IMAGE}/manifests/production`, {
      method: 'PUT',
      body: new Uint8Array(older?.content ?? Buffer.alloc(0)),
      headers: { 'content-type': older?.mediaType ?? '' },
    });
    const outputs = await build('staging').result;
    expect(outputs.result).toBe('superseded');
    expect(outputs.plan.superseded).toMatch(/contains production at the commit/);
    expect(await registry.state.manifest(IMAGE, 'staging')).toMatchObject({ digest: newest.digest });
  });

  it('goes on where a run was cut off, and tries a broken fetch again', async () => {
    const head = await commit('production', [], packageFiles('log', '1.0.0'));
    github.failNext({ kind: 'status', status: 503, path: /git-upload-pack/ });
    registry.failNext({ kind: 'status', status: 403, method: 'PUT', path: /manifests\/production$/ });
    await expect(build('production').result).rejects.toThrow(/403/);
    expect(await registry.state.tags(IMAGE)).toEqual([head]);
    const before = await registry.state.manifest(IMAGE, head);
    const outputs = await build('production').result;
    expect(outputs).toMatchObject({ result: 'built', digest: before?.digest, changed: true });
    expect(outputs.plan.pushed).toBe(0);
    expect(await registry.state.manifest(IMAGE, 'production')).toMatchObject({ digest: before?.digest });
  });

  it('says where Dockerfile and configuration disagree', async () => {
    const production = await commit('production', [], packageFiles('log', '1.0.0'));
    await build('production').result;
    await commit('snapshot', ['production'], {
      ...packageFiles('tcp', '1.0.0'),
      Dockerfile: dockerfile('snapshot', ['production']).replace(':production AS', `:${production} AS`),
    });
    const { findings, packages } = await build('snapshot').result;
    expect(findings.map(({ rule, line }) => [rule, line])).toEqual([
      ['upstream-tag', 2],
      ['upstream-configuration', 3],
    ]);
    expect(packages).toBe(2);
  });

  it('refuses commits that are not on the branch', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    const unmerged = await commitFiles(bare, 'feature', packageFiles('evil', '1.0.0'), { message: 'not merged' });
    await expect(build('production', { commit: unmerged }).result).rejects.toThrow(/is not on the branch 'production'/);
  });

  it('says what will not be served', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    await build('production').result;
    await commit('staging', ['production'], {
      ...packageFiles('log', '1.0.0', { 'other.txt': 'differs' }),
      ...packageFiles('tcp', 'v1.0.0'),
    });
    const { runtime, result } = build('staging');
    const outputs = await result;
    expect(outputs.packages).toBe(1);
    expect(outputs.findings.map(({ rule, file }) => [rule, file])).toEqual([
      ['package-shadowed', 'packages/log/1.0.0'],
      ['package-skipped', 'packages/tcp/v1.0.0'],
    ]);
    expect(runtime.annotations.map(({ message }) => message).join('\n')).toContain("Rename it to '1.0.0'");
    expect(await served('staging')).toEqual(['log-1.0.0']);
  });

  it('refuses a branch that the registry would not look at', async () => {
    await commit('production', [], {
      ...packageFiles('log', '1.0.0'),
      'deployment/package-registry.yml': 'package_paths:\n  - /packages/prodcution\n',
    });
    await expect(build('production').result).rejects.toThrow(/none of its packages would be served/);
    expect(await registry.state.tags(IMAGE)).toEqual([]);
  });

  it('takes a missing directory of packages for an empty one', async () => {
    await commit('production', [], { 'README.md': 'nothing yet' });
    const outputs = await build('production').result;
    expect(outputs).toMatchObject({ result: 'built', packages: 0 });
    expect(outputs.plan.layers.filter(({ label }) => label.startsWith('production:'))).toHaveLength(1);
  });

  it('builds every Linux platform of the base, with the same packages', async () => {
    const images = ['arm64', 'amd64'].map((architecture) => makeRegistryBaseImage({ version: 'v1.0.0', architecture }));
    await pushImage(registry.url, BASE, 'v1.0.0', makeIndex(images, { attestations: true }));
    await commit('production', [], packageFiles('log', '1.0.0'));
    await build('production').result;
    const index = await manifestOf('production');
    expect(index.manifests?.map(({ platform }) => platform.architecture)).toEqual(['amd64', 'arm64']);
    const layers = await Promise.all(
      (index.manifests ?? []).map(async ({ digest }) => (await manifestOf(digest)).layers),
    );
    expect(layers[0]?.at(-1)?.digest).toBe(layers[1]?.at(-1)?.digest);
    expect(await served('production')).toEqual(['log-1.0.0']);
    expect((await build('production').result).result).toBe('unchanged');
  });

  it('reads a foreign upstream once, whiteouts and all, and packs it like a branch', async () => {
    const manifest = (version: string): string => `name: log\nversion: ${version}\n`;
    const root = 'packages/production/log';
    const foreign = composeImage(
      [
        makeFileLayer({
          [`${root}/1.0.0/manifest.yml`]: manifest('1.0.0'),
          [`${root}/1.1.0/manifest.yml`]: manifest('1.1.0'),
          [`${root}/1.1.0/old.txt`]: 'old',
          [`${root}/1.2.0/a`]: 'a',
        }),
        makeFileLayer({
          [`${root}/.wh.1.0.0`]: '',
          [`${root}/1.2.0/.wh..wh..opq`]: '',
          [`${root}/1.2.0/manifest.yml`]: manifest('1.2.0'),
          [`${root}/1.2.0/copy.yml`]: { linkTo: `${root}/1.2.0/manifest.yml` },
        }),
      ],
      { architecture: 'amd64', os: 'linux', mediaTypes: 'docker' },
    );
    await pushImage(registry.url, IMAGE, 'production', foreign);
    await commit('staging', ['production'], packageFiles('tcp', '1.0.0'));
    const first = await build('staging').result;
    expect(first.plan.upstreams).toMatchObject([{ distribution: 'production', foreign: true }]);
    expect(first.packages).toBe(3);
    expect(await served('staging')).toEqual(['log-1.2.0', 'log-1.1.0', 'tcp-1.0.0']);
    expect((await build('staging').result).result).toBe('unchanged');

    await commit('staging', ['production'], packageFiles('tcp', '1.1.0'));
    const before = registry.requests.length;
    const second = await build('staging').result;
    expect(second).toMatchObject({ result: 'built', packages: 4 });
    const read = registry.requests.slice(before).filter(({ method }) => method === 'GET');
    expect(read.filter(({ path }) => foreign.blobs.slice(1).some(({ digest }) => path.endsWith(digest)))).toEqual([]);
  });

  it('says what a foreign image holds and the branch does not', async () => {
    const layer = makeFileLayer({ 'packages/production/log/0.9.0/manifest.yml': 'name: log\nversion: 0.9.0\n' });
    const foreign = composeImage([layer], { architecture: 'amd64', os: 'linux', mediaTypes: 'oci' });
    await pushImage(registry.url, IMAGE, 'production', foreign);
    await commit('production', [], packageFiles('log', '1.0.0'));
    const outputs = await build('production').result;
    expect(outputs.result).toBe('built');
    expect(outputs.findings).toMatchObject([{ rule: 'package-lost', file: 'packages/log/0.9.0' }]);
  });

  it('plans without writing anything', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    const before = pushes();
    const outputs = await build('production', { 'dry-run': 'true' }).result;
    expect(outputs).toMatchObject({ result: 'built', digest: '', changed: false, packages: 1 });
    expect(outputs.plan.layers.filter(({ reused }) => !reused)).toHaveLength(2);
    expect(pushes()).toBe(before);
  });

  it('contacts only registries that are configured', async () => {
    await commit('production', [], {
      Dockerfile: 'FROM evil.example.net/base:v1\nCOPY packages /packages/production\n',
    });
    await expect(build('production').result).rejects.toThrow(/evil\.example\.net.*registries/s);
  });

  it('refuses frozen distributions and symlinks', async () => {
    await expect(build('experimental').result).rejects.toThrow(/frozen/);
    await commit('production', [], packageFiles('log', '1.0.0', { link: { symlink: '/etc/passwd' } }));
    await expect(build('production').result).rejects.toThrow(/packages\/log\/1\.0\.0\/link is a symlink/);
  });

  it('refuses a base image with too many layers, with the counts', async () => {
    const layers = Array.from({ length: 21 }, (_, index) => makeFileLayer({ [`file-${index}`]: String(index) }));
    const base = composeImage(layers, { architecture: 'amd64', os: 'linux', mediaTypes: 'oci' });
    await pushImage(registry.url, BASE, 'v1.0.0', base);
    await commit('production', [], packageFiles('log', '1.0.0'));
    await expect(build('production').result).rejects.toThrow(
      /base 21, files of the branch 1, packages of production 1/,
    );
  });
});

function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((path) => existsSync(join(path, program)));
}

const busybox = findBusybox();
const tools = process.getuid?.() === 0 && busybox !== undefined && isInstalled('buildah') && isInstalled('unshare');
const hint = tools ? '' : ' (skipped: needs root, buildah and busybox-static)';

describe.skipIf(!tools)(`checks${hint}`, () => {
  beforeEach(async () => {
    if (busybox === undefined) return;
    await pushImage(registry.url, BASE, 'v1.0.0', makeRegistryBaseImage({ version: 'v1.0.0', busybox }));
  });

  it('run before anything is published, with the variables of their line', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    const passing = build('production', { checks: 'changed' });
    await passing.result;
    expect(passing.runtime.lines.join('\n')).toContain('1 local package manifests loaded');

    const again = build('production', { checks: 'all' });
    expect((await again.result).result).toBe('unchanged');
    expect(again.runtime.lines.join('\n')).toContain('1 local package manifests loaded');

    const broken = { 'packages/tcp/1.0.0/manifest.yml': 'name: udp\nversion: 1.0.0\n' };
    const head = await commit('production', [], broken);
    await expect(build('production', { checks: 'changed' }).result).rejects.toThrow(
      /Dockerfile:\d+: RUN .*-dry-run failed[\s\S]*tcp\/1\.0\.0\/manifest\.yml: name or version/,
    );
    expect(await registry.state.tags(IMAGE)).not.toContain(head);
  });

  it('see neither the network nor the job, and may not change files', async () => {
    const source = dockerfile('production', []);
    const withRun = (command: string): Promise<string> =>
      commit('production', [], {
        ...packageFiles('log', '1.0.0'),
        Dockerfile: source.replace('RUN ./package-registry -dry-run', `RUN ${command}`),
      });
    await withRun('export && /bin/busybox ip link && test -z "$EPR_DISABLE_PACKAGE_VALIDATION$RUNNER_TEMP"');
    const looking = build('production', { checks: 'changed' });
    await looking.result;
    const said = looking.runtime.lines.join('\n');
    expect(said).toContain('STAND_IN_VERSION');
    expect(said).not.toMatch(/RUNNER_TEMP=|eth0/);
    await withRun('echo hi > /package-registry/written');
    await expect(build('production', { checks: 'changed' }).result).rejects.toThrow(
      /changes files \(\/package-registry\/written\)/,
    );
  });

  it('are an error with the cure where no tool is', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    const path = join(directory, 'only-git');
    await mkdir(path);
    await symlink('/usr/bin/git', join(path, 'git'));
    await expect(build('production', { checks: 'changed' }, { PATH: path }).result).rejects.toThrow(/checks: off/);
    expect(await registry.state.tags(IMAGE)).toEqual([]);
  });
});
