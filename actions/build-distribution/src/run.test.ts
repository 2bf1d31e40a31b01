import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commitFiles, type SeedFile } from '@slipway/sandbox/github/seed';
import { makeFileLayer } from '@slipway/sandbox/images/file-layer';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeRegistryBaseImage } from '@slipway/sandbox/images/registry-base-image';
import { composeImage } from '@slipway/sandbox/images/sample-image';
import { makeIndex } from '@slipway/sandbox/images/sample-index';
import { startPackageRegistry } from '@slipway/sandbox/package-registry/server';
import { startRegistry } from '@slipway/sandbox/registry/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  BASE,
  bare,
  build,
  commit,
  configOf,
  directory,
  dockerfile,
  github,
  IMAGE,
  manifestOf,
  packageFiles,
  pushes,
  registry,
  served,
  setUp,
  tearDown,
  writeConfiguration,
} from './fixture.ts';

beforeEach(setUp);
afterEach(tearDown);

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
    expect(outputs.previous).toEqual(['staging', 'snapshot']);
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
    expect([first.added, second.added]).toEqual([[], [{ name: 'package_7', version: '1.1.0' }]]);
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
    expect(changed).toMatchObject({ stale: ['staging', 'snapshot'], downstream: ['staging', 'snapshot'] });
    const before = await registry.state.manifest(IMAGE, staging);
    const rebuilt = await build('staging').result;
    expect(rebuilt).toMatchObject({ result: 'built', commit: staging, packages: 3, stale: ['snapshot'] });
    expect(rebuilt.image).toMatch(new RegExp(`:${staging}-[0-9a-f]{12}$`));
    expect(await registry.state.manifest(IMAGE, staging)).toMatchObject({ digest: before?.digest });
    expect(await registry.state.manifest(IMAGE, 'staging')).toMatchObject({ digest: rebuilt.digest });
    expect((await build('snapshot').result).image).toContain(`${snapshot}-`);
    // What a lost run has built and not rolled out is not stale, and must be looked at all the same.
    expect(await build('production').result).toMatchObject({ stale: [], downstream: ['staging', 'snapshot'] });
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
    await writeConfiguration('    production: {}\n    staging: {}');
    await commit('staging', ['production'], {
      ...packageFiles('tcp', '1.0.0'),
      Dockerfile: dockerfile('staging', ['production']).replace(':production AS', `:${production} AS`),
    });
    const { findings, packages } = await build('staging').result;
    expect(findings.map(({ rule, line }) => [rule, line])).toEqual([
      ['upstream-configuration', 6],
      ['upstream-tag', 2],
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

  it('plans with the same answers as a build: superseded, and who is to be rebuilt', async () => {
    const old = await commit('production', [], packageFiles('log', '1.0.0'));
    const head = await commit('production', [], packageFiles('log', '1.1.0'));
    await build('production').result;
    const late = await build('production', { commit: old, 'dry-run': 'true' }).result;
    expect(late).toMatchObject({ result: 'superseded', changed: false });
    expect(late.plan.superseded).toContain(head);
    await commit('staging', ['production'], packageFiles('tcp', '1.0.0'));
    await build('staging').result;
    await commit('production', [], packageFiles('log', '1.2.0'));
    const planned = await build('production', { 'dry-run': 'true' }).result;
    expect(planned).toMatchObject({ result: 'built', changed: false, stale: ['staging'] });
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
