import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import type { EventContext } from '@slipway/core/github/event';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage, type SampleImage } from '@slipway/sandbox/images/sample-image';
import { makeIndex } from '@slipway/sandbox/images/sample-index';
import { type RegistryOptions, type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

const ROBOT = { username: 'robot', password: 'correct horse' };

let directory: string;
let source: RegistryServer;
let target: RegistryServer;
let running: RegistryServer[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sync-images-'));
  running = [];
  source = await start('source', {});
  target = await start('target', { auth: 'token', credentials: [ROBOT] });
  await writeConfiguration();
});

afterEach(async () => {
  await Promise.all(running.map((server) => server.close()));
  await rm(directory, { recursive: true, force: true });
});

async function start(name: string, options: Partial<RegistryOptions>): Promise<RegistryServer> {
  const server = await startRegistry({ directory: join(directory, name), ...options });
  running.push(server);
  return server;
}

/** The names stay those of the YAML; the configuration says where they are served. */
async function writeConfiguration(): Promise<void> {
  const lines = [
    'plugins: { source: cargo.example.com/team, target: harbor.example.com/release }',
    'registries:',
    `  cargo.example.com: { endpoint: "${source.url}", plain-http: true }`,
    `  harbor.example.com: { endpoint: "${target.url}", plain-http: true }`,
  ];
  await writeFile(join(directory, 'slipway.yaml'), lines.join('\n'));
}

function sync(texts: Record<string, string>, event: Partial<EventContext> = {}) {
  const runtime = recordRuntime(
    { DOCKER_CONFIG: join(directory, 'no-docker'), RUNNER_TEMP: join(directory, 'work') },
    event,
  );
  const given = {
    config: join(directory, 'slipway.yaml'),
    'target-username': ROBOT.username,
    'target-password': ROBOT.password,
    ...texts,
  };
  return { runtime, result: run(inputsFrom(inputs, given), runtime) };
}

function smallImage(seed: string, sharedSeed = `${seed}/base`): Promise<SampleImage> {
  return makeImage({
    seed,
    architecture: 'amd64',
    os: 'linux',
    mediaTypes: 'oci',
    layers: [{ size: 60_000, seed: sharedSeed }, { size: 20_000 }],
  });
}

const LINE = 'cargo.example.com/team/plugin-a:v1.0.0 harbor.example.com/release/plugin-a:v1.0.0';

describe('sync-images', () => {
  it('copies by digest, and finds nothing to do the second time', async () => {
    const image = await smallImage('a');
    await pushImage(source.url, 'team/plugin-a', 'v1.0.0', image);

    const first = sync({ images: LINE });
    const outputs = await first.result;
    expect(outputs.images).toMatchObject([{ digest: image.manifest.digest, result: 'copied' }]);
    expect(outputs).toMatchObject({ failed: 0, changed: true });
    expect(first.runtime.masked).toContain(ROBOT.password);
    expect(await target.state.manifest('release/plugin-a', 'v1.0.0')).toMatchObject({ digest: image.manifest.digest });

    const before = [source.requests.length, target.requests.length];
    const again = await sync({ images: LINE }).result;
    expect(again.images).toMatchObject([{ digest: image.manifest.digest, result: 'skipped', copied: 0 }]);
    expect(again.changed).toBe(false);
    const heads = [source, target].map((server, side) =>
      server.requests.slice(before[side]).filter(({ status }) => status === 200),
    );
    expect(heads[0]?.map(({ method }) => method)).toEqual(['HEAD']);
    expect(heads[1]?.filter(({ path }) => path.startsWith('/v2/')).map(({ method }) => method)).toEqual(['HEAD']);
  });

  it('copies every platform and attestation of an index, and a filtered one under a new digest', async () => {
    const platforms = [
      { architecture: 'amd64', os: 'linux' },
      { architecture: 'arm64', os: 'linux', variant: 'v8' },
    ];
    const images = await Promise.all(
      platforms.map((platform) =>
        makeImage({ seed: platform.architecture, ...platform, mediaTypes: 'oci', layers: [{ size: 30_000 }] }),
      ),
    );
    const index = makeIndex(images, { attestations: true });
    await pushImage(source.url, 'team/plugin-a', 'v1.0.0', index);

    const all = await sync({ images: LINE }).result;
    expect(all.images).toMatchObject([{ digest: index.manifest.digest, platforms: ['linux/amd64', 'linux/arm64/v8'] }]);
    for (const child of index.children) {
      expect(await target.state.manifest('release/plugin-a', child.manifest.digest)).toBeDefined();
    }

    const line = LINE.replace(/v1\.0\.0$/, 'v1.0.0-arm');
    const filtered = sync({ images: line, platforms: 'linux/arm64' });
    const [image] = (await filtered.result).images;
    expect(image).toMatchObject({ result: 'copied', platforms: ['linux/arm64/v8'] });
    expect(image?.digest).not.toBe(index.manifest.digest);
    expect(filtered.runtime.lines.join('\n')).toContain('a new index is written');
    expect((await sync({ images: line, platforms: 'linux/arm64' }).result).images).toMatchObject([
      { result: 'skipped' },
    ]);
  });

  it('moves a layer that several images share only once', async () => {
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names) {
      await pushImage(source.url, `team/plugin-${name}`, 'v1.0.0', await smallImage(name, 'shared'));
    }
    await sync({ images: names.map((name) => LINE.replaceAll('plugin-a', `plugin-${name}`)).join('\n') }).result;
    const blobGets = source.requests.filter(({ method, path }) => method === 'GET' && path.includes('/blobs/'));
    // One shared layer, and of each image its own layer and its configuration.
    expect(blobGets).toHaveLength(1 + names.length * 2);
    expect(target.requests.filter(({ path, status }) => path.includes('mount=') && status === 201)).toHaveLength(3);
  });

  it('tells what was moved, mounted and saved, in the log, the summary and as an output', async () => {
    const names = ['a', 'b'];
    const images = await Promise.all(names.map((name) => smallImage(name, 'shared')));
    for (const [index, name] of names.entries()) {
      const image = images[index];
      if (image !== undefined) await pushImage(source.url, `team/plugin-${name}`, 'v1.0.0', image);
    }
    const lines = names.map((name) => LINE.replaceAll('plugin-a', `plugin-${name}`)).join('\n');
    const { runtime, result } = sync({ images: lines });
    const { statistics } = await result;
    const shared = images[0]?.blobs[1]?.size ?? 0;
    expect(statistics).toMatchObject({
      images: { copied: 2, skipped: 0, failed: 0 },
      blobs: { streamed: 5, mounted: 1, present: 0 },
      bytes: { mounted: shared, present: 0 },
      retries: 0,
      slowest: { to: expect.stringContaining('harbor.example.com/release/plugin-') },
    });
    expect(runtime.lines.join('\n')).toContain('blobs: 5 moved, 1 mounted, 0 there already');
    expect(runtime.summary.toString()).toContain('5 moved, 1 mounted, 0 there already');
  });

  it('keeps the blobs of images that another action names, for bundling, and no others', async () => {
    const image = await smallImage('a');
    await pushImage(source.url, 'team/plugin-a', 'v1.0.0', image);
    const kept = (): Promise<string[]> => readdir(join(directory, 'work/blobs/sha256')).catch(() => []);
    await sync({ images: LINE }).result;
    expect(await kept()).toEqual([]);
    const [from = '', to = ''] = LINE.split(' ');
    const images = JSON.stringify([{ source: from, target: `${to}-again`, name: 'plugin-a' }]);
    await sync({ images, spool: 'off' }).result;
    expect(await kept()).toEqual([]);
    const others = JSON.stringify([
      { source: from, target: to.replace('/release/plugin-a', '/release/plugin-b'), name: 'plugin-b' },
    ]);
    target = await start('fresh', {});
    await writeConfiguration();
    await sync({ images: others }).result;
    const digests = image.blobs.map(({ digest }) => digest.slice('sha256:'.length));
    expect((await kept()).sort()).toEqual(digests.sort());
  });

  it('refuses to move a tag, names both digests, and obeys a dispatch with a reason', async () => {
    const [old, fresh] = [await smallImage('old'), await smallImage('new')];
    await pushImage(source.url, 'team/plugin-a', 'v1.0.0', fresh);
    await pushImage(target.url, 'release/plugin-a', 'v1.0.0', old, ROBOT);

    const refused = sync({ images: LINE });
    expect((await refused.result).images).toMatchObject([{ result: 'failed' }]);
    expect(refused.runtime.failures[0]).toContain(old.manifest.digest);
    expect(refused.runtime.failures[0]).toContain(fresh.manifest.digest);
    expect(await target.state.manifest('release/plugin-a', 'v1.0.0')).toMatchObject({ digest: old.manifest.digest });

    await expect(sync({ images: LINE, overwrite: 'true' }).result).rejects.toThrow(/reason/);
    const event = { name: 'issue_comment' };
    await expect(sync({ images: LINE, overwrite: 'true', reason: 'x' }, event).result).rejects.toThrow(/issue_comment/);
    const dispatched = sync({ images: LINE, overwrite: 'true', reason: 'x' }, { name: 'workflow_dispatch' });
    expect((await dispatched.result).images).toMatchObject([{ result: 'copied', digest: fresh.manifest.digest }]);
  });

  it('goes on with the others when one image fails, and fails with its reason', async () => {
    await pushImage(source.url, 'team/plugin-b', 'v1.0.0', await smallImage('b'));
    const { runtime, result } = sync({ images: `${LINE}\n${LINE.replaceAll('plugin-a', 'plugin-b')}` });
    const outputs = await result;
    expect(outputs.images.map((image) => image.result)).toEqual(['failed', 'copied']);
    expect(outputs.failed).toBe(1);
    expect(runtime.failures).toHaveLength(1);
    expect(runtime.failures[0]).toMatch(/cargo\.example\.com\/team\/plugin-a:v1\.0\.0 does not exist/);
  });

  it('copies the digest that was validated, wherever the tag points by now', async () => {
    const [validated, moved] = [await smallImage('validated'), await smallImage('moved')];
    await pushImage(source.url, 'team/plugin-a', 'v1.0.0', validated);
    await pushImage(source.url, 'team/plugin-a', 'v1.0.0', moved);
    const [from, to] = LINE.split(' ');
    const images = JSON.stringify([{ source: from, target: to, name: 'a', digest: validated.manifest.digest }]);
    expect((await sync({ images }).result).images).toMatchObject([{ digest: validated.manifest.digest }]);
    expect(await target.state.manifest('release/plugin-a', 'v1.0.0')).toMatchObject({
      digest: validated.manifest.digest,
    });
  });

  it('writes nothing in a dry run', async () => {
    await pushImage(source.url, 'team/plugin-a', 'v1.0.0', await smallImage('a'));
    const outputs = await sync({ images: LINE, 'dry-run': 'true' }).result;
    expect(outputs).toMatchObject({ changed: false, plan: [{ result: 'copied' }] });
    expect(target.requests.filter(({ method }) => !['HEAD', 'GET'].includes(method))).toEqual([]);
  });

  it.each([
    ['a reset while a blob is read', 'source', { kind: 'reset', path: /blobs\/sha256/ }],
    ['an answer that ends too early', 'source', { kind: 'truncate', method: 'GET', path: /blobs\/sha256/ }],
    [
      'an answer that comes in drops',
      'source',
      { kind: 'drip', method: 'GET', path: /blobs\/sha256/, bytes: 8192, delay: 1 },
    ],
    ['a 503 on the manifest', 'source', { kind: 'status', status: 503, path: /manifests/ }],
    ['a 429 with a pause', 'target', { kind: 'status', status: 429, path: /uploads/, headers: { 'retry-after': '0' } }],
    ['a reset of an upload', 'target', { kind: 'reset', method: 'PUT', path: /uploads/ }],
    ['a lost reply to an upload', 'target', { kind: 'lose-reply', method: 'PUT', path: /uploads/ }],
    ['a lost reply to the tag', 'target', { kind: 'lose-reply', method: 'PUT', path: /manifests/ }],
  ] as const)('survives %s', async (_, side, fault) => {
    const image = await smallImage('a');
    await pushImage(source.url, 'team/plugin-a', 'v1.0.0', image);
    (side === 'source' ? source : target).failNext(fault);
    const { runtime, result } = sync({ images: LINE });
    expect((await result).images).toMatchObject([{ result: 'copied', digest: image.manifest.digest }]);
    expect(runtime.failures).toEqual([]);
    for (const blob of image.blobs) expect(await target.state.hasBlob(blob.digest)).toBe(true);
  });

  it('blames the source for what the source fails at, and does not ask it for ever', async () => {
    await pushImage(source.url, 'team/plugin-a', 'v1.0.0', await smallImage('a'));
    source.failNext({ kind: 'status', status: 503, method: 'GET', path: /blobs\/sha256/, times: 1000 });
    const { runtime, result } = sync({ images: LINE });
    expect((await result).failed).toBe(1);
    expect(runtime.failures[0]).toMatch(/: cargo\.example\.com: cannot pull the blob .* 503/);
    const gets = source.requests.filter(({ method, path }) => method === 'GET' && path.includes('/blobs/'));
    expect(gets.length).toBeLessThanOrEqual(3 * 5);
  });

  it('names images given as lines without the prefix', async () => {
    await pushImage(source.url, 'team/plugin-a', 'v1.0.0', await smallImage('a'));
    const config = join(directory, 'slipway.yaml');
    await writeFile(config, (await readFile(config, 'utf8')).replace('plugins: {', 'plugins: { prefix: plugin-,'));
    expect((await sync({ images: LINE }).result).images).toMatchObject([{ name: 'a' }]);
  });

  it('copies a tag that another run released meanwhile only when it is the same', async () => {
    const [ours, theirs] = [await smallImage('ours'), await smallImage('theirs')];
    await pushImage(source.url, 'team/plugin-a', 'v1.0.0', ours);
    source.failNext({ kind: 'drip', method: 'GET', path: /blobs\/sha256/, bytes: 4096, delay: 20 });
    const running = sync({ images: LINE });
    await pushImage(target.url, 'release/plugin-a', 'v1.0.0', theirs, ROBOT);
    expect((await running.result).failed).toBe(1);
    expect(running.runtime.failures[0]).toContain(theirs.manifest.digest);
    expect(await target.state.manifest('release/plugin-a', 'v1.0.0')).toMatchObject({ digest: theirs.manifest.digest });
  });

  it('never stores wrong bytes, and leaves no tag', async () => {
    const image = await smallImage('a');
    await pushImage(source.url, 'team/plugin-a', 'v1.0.0', image);
    source.failNext({ kind: 'corrupt', method: 'GET', path: /blobs\/sha256/, times: 100 });
    const { runtime, result } = sync({ images: LINE });
    expect((await result).failed).toBe(1);
    expect(runtime.failures[0]).toMatch(/arrived with the digest sha256:/);
    expect(await target.state.manifest('release/plugin-a', 'v1.0.0')).toBeUndefined();
  });

  it('follows a redirect to the blob host without the credentials', async () => {
    source = await start('redirecting', { redirectBlobs: true, auth: 'basic', credentials: [ROBOT] });
    await writeConfiguration();
    const image = await smallImage('a');
    await pushImage(source.url, 'team/plugin-a', 'v1.0.0', image, ROBOT);
    const outputs = await sync({ images: LINE, 'source-username': ROBOT.username, 'source-password': ROBOT.password })
      .result;
    expect(outputs.images).toMatchObject([{ result: 'copied' }]);
    expect(source.blobHost?.requests.length).toBeGreaterThan(0);
    expect(source.blobHost?.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
  });

  it('authorizes the requests that were under way before the first 401 came', async () => {
    source = await start('basic', { auth: 'basic', credentials: [ROBOT] });
    await writeConfiguration();
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names)
      await pushImage(source.url, `team/plugin-${name}`, 'v1.0.0', await smallImage(name), ROBOT);
    const images = names.map((name) => LINE.replaceAll('plugin-a', `plugin-${name}`)).join('\n');
    const { runtime, result } = sync({ images, 'source-username': ROBOT.username, 'source-password': ROBOT.password });
    expect((await result).failed, runtime.failures.join('\n')).toBe(0);
  });

  it('says what is wrong with a password, and never shows it', async () => {
    await pushImage(source.url, 'team/plugin-a', 'v1.0.0', await smallImage('a'));
    const { runtime, result } = sync({ images: LINE, 'target-password': 'wrong horse' });
    await result;
    expect(runtime.failures[0]).toMatch(/harbor\.example\.com.*(401|403)/s);
    expect(runtime.failures[0]).toMatch(/Check the user name and password/);
    expect([...runtime.failures, ...runtime.lines].join('\n')).not.toContain('wrong horse');
  });

  it.each([
    ['three words on a line', 'cargo.example.com/team/a:v1 to harbor.example.com/release/a:v1', /two references/],
    ['a line without a tag', 'cargo.example.com/team/a', /'images', line 1: .* has no tag to give to the copy/],
    ['no image at all', '', /give one of them/],
    [
      'a registry nobody configured',
      'evil.example.net/team/a:v1 harbor.example.com/release/a:v1',
      /evil\.example\.net.*not below/,
    ],
    ['a target without a tag', 'cargo.example.com/team/a:v1 harbor.example.com/release/a', /must have a tag/],
    ['a reference that is none', 'cargo.example.com/team/A:v1 harbor.example.com/release/a:v1', /no repository name/],
    [
      'the same target by two names',
      'cargo.example.com/team/plugin-a:v1 busybox:1\ncargo.example.com/team/plugin-b:v1 docker.io/library/busybox:1',
      /docker\.io\/library\/busybox:1 is named twice/,
    ],
    ['the same target twice', `${LINE}\n${LINE}`, /named twice/],
  ])('refuses %s before anything is copied', async (_, images, message) => {
    await expect((async () => sync({ images }).result)()).rejects.toThrow(message);
    expect(target.requests).toEqual([]);
  });

  it('does not speak plain http unless it is configured', async () => {
    await writeFile(
      join(directory, 'slipway.yaml'),
      `registries: { cargo.example.com: { endpoint: "${source.url}" }, harbor.example.com: {} }`,
    );
    const { runtime, result } = sync({ images: LINE });
    await result;
    expect(runtime.failures[0]).toMatch(/plain-http: true/);
    expect(source.requests).toEqual([]);
  });
});
