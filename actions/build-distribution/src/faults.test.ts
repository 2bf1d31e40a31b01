import { createHash } from 'node:crypto';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { untar } from '@slipway/core/archive/untar';
import { makeFileLayer } from '@slipway/sandbox/images/file-layer';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { composeImage } from '@slipway/sandbox/images/sample-image';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  BASE,
  build,
  commit,
  directory,
  dockerfile,
  IMAGE,
  lose,
  manifestOf,
  packageFiles,
  registry,
  served,
  setUp,
  tearDown,
} from './fixture.ts';

beforeEach(setUp);
afterEach(tearDown);

/** Puts one more layer upon what a tag shows, as `docker build` and `docker commit` do: the labels are inherited. */
async function derive(tag: string): Promise<void> {
  const repository = `${registry.url}/v2/${IMAGE}`;
  const { config, ...manifest } = await manifestOf(tag);
  const settings = (await (await fetch(`${repository}/blobs/${config.digest}`)).json()) as {
    rootfs: { diff_ids: string[] };
  };
  const layer = makeFileLayer({ hot: 'fix' });
  const added = composeImage([layer], { architecture: 'amd64', os: 'linux', mediaTypes: 'oci' });
  await pushImage(registry.url, IMAGE, 'added', added);
  const addedLayers = (await manifestOf('added')).layers;
  const bytes = Buffer.from(
    JSON.stringify({
      ...settings,
      history: undefined,
      rootfs: { type: 'layers', diff_ids: [...settings.rootfs.diff_ids, layer.diffId] },
    }),
  );
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const begun = await fetch(`${repository}/blobs/uploads/`, { method: 'POST' });
  const upload = new URL(begun.headers.get('location') ?? '', registry.url);
  upload.searchParams.set('digest', digest);
  expect((await fetch(upload, { method: 'PUT', body: new Uint8Array(bytes) })).status).toBe(201);
  const put = await fetch(`${repository}/manifests/${tag}`, {
    method: 'PUT',
    headers: { 'content-type': manifest.mediaType },
    body: JSON.stringify({
      ...manifest,
      config: { ...config, digest, size: bytes.length },
      layers: [...manifest.layers, ...addedLayers],
    }),
  });
  expect(put.status).toBe(201);
}

describe('what others did to the images', () => {
  it('keeps all packages when somebody derived the upstream from ours', async () => {
    await commit('production', [], { ...packageFiles('log', '1.0.0'), ...packageFiles('tcp', '1.0.0') });
    await build('production').result;
    await derive('production');
    await commit('staging', ['production'], packageFiles('udp', '1.0.0'));
    const outputs = await build('staging').result;
    expect(outputs).toMatchObject({ result: 'built', packages: 3, plan: { upstreams: [{ foreign: true }] } });
    expect(await served('staging')).toEqual(['log-1.0.0', 'tcp-1.0.0', 'udp-1.0.0']);
  });

  it('keeps the packages of a foreign upstream when somebody derived the current image from ours', async () => {
    const layer = makeFileLayer({ 'packages/production/log/1.0.0/manifest.yml': 'name: log\nversion: 1.0.0\n' });
    const foreign = composeImage([layer], { architecture: 'amd64', os: 'linux', mediaTypes: 'oci' });
    await pushImage(registry.url, IMAGE, 'production', foreign);
    await commit('staging', ['production'], packageFiles('udp', '1.0.0'));
    await build('staging').result;
    await derive('staging');
    await commit('staging', ['production'], packageFiles('udp', '1.1.0'));
    expect(await build('staging').result).toMatchObject({ result: 'built', packages: 3 });
    expect(await served('staging')).toEqual(['log-1.0.0', 'udp-1.1.0', 'udp-1.0.0']);
  });

  it('makes a layer again that the registry has lost', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    const first = await build('production').result;
    const layer = first.plan.layers.find(({ label }) => label.startsWith('production:'));
    if (layer === undefined) throw new Error('no layer of packages');
    await lose(layer.digest);
    await commit('staging', ['production'], packageFiles('udp', '1.0.0'));
    await expect(build('staging').result).rejects.toThrow(/has lost the layer sha256:.*Build 'production' again/);
    const again = await build('production').result;
    expect(again).toMatchObject({ digest: first.digest, image: first.image, changed: true });
    expect(await served('production')).toEqual(['log-1.0.0']);
    expect((await build('production').result).result).toBe('unchanged');

    await lose(layer.digest);
    await commit('production', [], { 'notes.txt': 'the same packages' });
    expect((await build('production').result).result).toBe('built');
    expect(await served('production')).toEqual(['log-1.0.0']);
  });

  it('builds over an image that cannot be unpacked, and says so', async () => {
    const broken = makeFileLayer({ 'packages/production/log/1.0.0/link': { linkTo: 'nowhere' } });
    const foreign = composeImage([broken], { architecture: 'amd64', os: 'linux', mediaTypes: 'oci' });
    await pushImage(registry.url, IMAGE, 'production', foreign);
    await commit('production', [], packageFiles('log', '1.0.0'));
    const outputs = await build('production').result;
    expect(outputs.result).toBe('built');
    expect(outputs.findings).toMatchObject([{ rule: 'package-lost', severity: 'warning' }]);
    expect(outputs.findings[0]?.message).toMatch(/cannot be read/);
  });

  it('knows an upstream that it takes out of another distribution by what that image says', async () => {
    const head = await commit('production', [], packageFiles('log', '1.0.0'));
    const production = await build('production').result;
    await commit('staging', ['production'], packageFiles('tcp', '1.0.0'));
    await build('staging').result;
    const source = dockerfile('snapshot', ['production', 'staging']).split('\n');
    await commit('snapshot', ['production', 'staging'], {
      ...packageFiles('udp', '1.0.0'),
      Dockerfile: source
        .filter((line) => !line.endsWith('AS production'))
        .join('\n')
        .replace('--from=production', '--from=staging'),
    });
    const snapshot = await build('snapshot').result;
    expect(snapshot.packages).toBe(3);
    const response = await fetch(`${registry.url}/v2/${IMAGE}/blobs/${(await manifestOf('snapshot')).config.digest}`);
    const { config } = (await response.json()) as { config: { Labels: Record<string, string> } };
    expect(config.Labels).toMatchObject({
      'dev.slipway.upstream.production.digest': production.digest,
      'dev.slipway.upstream.production.revision': head,
    });
    expect((await build('production').result).stale).toEqual([]);
    expect((await build('snapshot').result).result).toBe('unchanged');
  });
});

describe('what stands on the branch', () => {
  it('refuses packages that are no directory', async () => {
    await commit('production', [], { packages: { symlink: 'data' }, 'data/log/1.0.0/manifest.yml': 'name: log\n' });
    await expect(build('production').result).rejects.toThrow(/packages is no directory/);
    await commit('production', [], { packages: 'a file' });
    await expect(build('production').result).rejects.toThrow(/packages is no directory/);
  });

  it('refuses names that engines take for removals', async () => {
    await commit('production', [], packageFiles('log', '1.0.0', { '.wh.manifest.yml': '' }));
    await expect(build('production').result).rejects.toThrow(/packages\/log\/1\.0\.0\/\.wh\.manifest\.yml.*removes/);
    expect(await registry.state.tags(IMAGE)).toEqual([]);
  });

  it('refuses copied files that engines take for removals', async () => {
    await commit('production', [], {
      ...packageFiles('log', '1.0.0'),
      'deployment/.wh.notes': '',
      Dockerfile: dockerfile('production', []).replace('COPY deployment/package-registry.yml', 'COPY deployment'),
    });
    await expect(build('production').result).rejects.toThrow(/deployment\/\.wh\.notes: .* removes another file/);
  });

  it('refuses versions whose manifest is missing or names another', async () => {
    await commit('production', [], { ...packageFiles('log', '1.0.0'), 'packages/tcp/1.0.0/notes.txt': 'x' });
    await expect(build('production').result).rejects.toThrow(/tcp-1\.0\.0 has no manifest\.yml/);
    await commit('production', [], { 'packages/tcp/1.0.0/manifest.yml': 'name: udp\nversion: "1.0.0"\n' });
    await expect(build('production').result).rejects.toThrow(/tcp-1\.0\.0 has a manifest\.yml of udp 1\.0\.0/);
    await commit('production', [], { 'packages/tcp/1.0.0/manifest.yml': '{ version: "1.0.0", name: tcp }\n' });
    expect((await build('production').result).packages).toBe(2);
  });
});

describe('what stands in the base image', () => {
  /** Builds with these lines at the end of the Dockerfile, upon a base image with more files. */
  async function buildWith(...lines: readonly string[]) {
    const layers = [
      makeFileLayer({
        run: { directory: { mode: 0o1777, uid: 7, gid: 8 } },
        'var/run': { symlink: '/run' },
        'opt/old/file': 'x',
        'opt/kept/file': 'x',
      }),
      makeFileLayer({ 'opt/.wh.old': '' }),
    ];
    const base = composeImage(layers, { architecture: 'amd64', os: 'linux', mediaTypes: 'oci' });
    await pushImage(registry.url, BASE, 'v1.0.0', base);
    await commit('production', [], {
      ...packageFiles('log', '1.0.0'),
      extra: 'more',
      Dockerfile: `${dockerfile('production', []).replace(/^WORKDIR.*\nRUN.*\n/m, '')}${lines.join('\n')}\n`,
    });
    return build('production').result;
  }

  async function entriesOf(digest: string | undefined): Promise<string[]> {
    const response = await fetch(`${registry.url}/v2/${IMAGE}/blobs/${digest}`);
    const tar = Readable.from([gunzipSync(Buffer.from(await response.arrayBuffer()))]);
    const entries = await Array.fromAsync(untar(tar, 'layer'));
    return entries.map(({ path, mode, uid, gid }) => `${path} ${mode.toString(8)} ${uid}:${gid}`);
  }

  it('keeps attributes of directories that copied files go into', async () => {
    const { plan } = await buildWith('COPY extra /run/extra');
    expect(await entriesOf(plan.layers.at(-1)?.digest)).toEqual(['run 1777 7:8', 'run/extra 644 0:0']);
  });

  it('refuses to go through a symlink', async () => {
    await expect(buildWith('COPY extra /var/run/extra')).rejects.toThrow(
      /\/var\/run is a symlink to \/run in the base/,
    );
  });

  it('refuses a file in the place of a directory', async () => {
    await expect(buildWith('COPY extra /opt/kept')).rejects.toThrow(/Write \/opt\/kept\/ to copy the file into it/);
    await expect(buildWith('WORKDIR /srv/work', 'COPY extra /srv')).rejects.toThrow(/Write \/srv\//);
    await expect(buildWith('COPY extra /packages')).rejects.toThrow(/Write \/packages\//);
    expect((await buildWith('COPY extra /opt/old')).result).toBe('built');
  });

  it('makes a WORKDIR that the base image lacks', async () => {
    const { plan } = await buildWith('WORKDIR /run', 'WORKDIR app');
    expect(await entriesOf(plan.layers.at(-1)?.digest)).toEqual(['run 1777 7:8', 'run/app 755 0:0']);
    expect(plan.layers.filter(({ label }) => label === 'files')).toHaveLength(2);
  });
});

describe('what processes left behind', () => {
  it('removes what belongs to no process any more, and nothing else', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    await build('production').result;
    const place = (await readdir(join(directory, 'work'), { recursive: true })).find((path) => path.endsWith('git'));
    if (place === undefined) throw new Error('no work directory yet');
    const root = join(directory, 'work', place, '..');
    await mkdir(join(root, 'build-4194999', 'layers'), { recursive: true });
    await utimes(join(root, 'build-4194999'), 0, 0);
    await mkdir(join(root, `build-${process.ppid}`), { recursive: true });
    await writeFile(join(root, 'build-notes'), '');
    await build('production').result;
    const left = (await readdir(root)).filter((name) => name.startsWith('build-'));
    expect(left.sort()).toEqual([`build-${process.ppid}`, 'build-notes'].sort());
  });
});
