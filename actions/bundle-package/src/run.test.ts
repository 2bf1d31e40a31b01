import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { gitBlobId } from '@slipway/core/github/git-object';
import type { Image } from '@slipway/core/image/image';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage, type SampleImage } from '@slipway/sandbox/images/sample-image';
import { makeIndex } from '@slipway/sandbox/images/sample-index';
import { type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

const TARGET = 'harbor.example.com/release';
const YAML = `spec:\n  version: v1.0.0\n  service:\n    image: ${TARGET}/acme-web:v1.0.0\n`;

let directory: string;
let registry: RegistryServer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bundle-package-'));
  registry = await startRegistry({ directory: join(directory, 'registry') });
  await writeFile(join(directory, 'web.yaml'), YAML);
  await writeFile(
    join(directory, 'slipway.yaml'),
    `plugins: { prefix: acme- }\nregistries: { harbor.example.com: { endpoint: "${registry.url}", plain-http: true } }\n`,
  );
});

afterEach(async () => {
  await registry.close();
  await rm(directory, { recursive: true, force: true });
});

function makeSample(seed: string, architecture = 'amd64'): Promise<SampleImage> {
  return makeImage({ seed, architecture, os: 'linux', mediaTypes: 'oci', layers: [{ size: 90_000 }, { size: 5_000 }] });
}

async function release(
  name: string,
  image: SampleImage | ReturnType<typeof makeIndex>,
  tag = 'v1.0.0',
): Promise<Image> {
  await pushImage(registry.url, `release/acme-${name}`, tag, image);
  const target = `${TARGET}/acme-${name}:${tag}`;
  return { source: `cargo.example.com/team/acme-${name}:${tag}`, target, name, digest: image.manifest.digest };
}

function bundle(images: readonly Image[], texts: Record<string, string> = {}, work = 'no-work') {
  const file = join(directory, 'web.yaml');
  const plugin = { plugin: 'web', version: 'v1.0.0', file, commit: '', blob: gitBlobId(Buffer.from(YAML)), images };
  const given = {
    plugin: JSON.stringify(plugin),
    output: join(directory, 'out'),
    config: join(directory, 'slipway.yaml'),
    ...texts,
  };
  const env = { DOCKER_CONFIG: join(directory, 'no-docker'), RUNNER_TEMP: join(directory, work) };
  const runtime = recordRuntime(env);
  return run(inputsFrom(inputs, given), runtime);
}

function unpack(file: string, into: string): Promise<string[]> {
  execFileSync('mkdir', ['-p', into]);
  execFileSync('tar', ['xzf', file, '-C', into]);
  return readdir(into);
}

const isJson = (value: Buffer): unknown => JSON.parse(value.toString('utf8'));

describe('bundle-package', () => {
  it('makes the package of the release rules: image archives and the YAML', async () => {
    const image = await makeSample('web');
    const images = [await release('web', image), await release('web-agent', await makeSample('agent'), 'v0.9.0')];
    const outputs = await bundle(images);

    expect(outputs.file).toBe(join(directory, 'out', 'acme-web-v1.0.0.tar.gz'));
    const bytes = await readFile(outputs.file);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(outputs.sha256);
    expect(bytes.length).toBe(outputs.size);
    expect(
      execFileSync('sha256sum', ['-c', 'acme-web-v1.0.0.tar.gz.sha256'], { cwd: join(directory, 'out') }).toString(),
    ).toContain('OK');
    expect(execFileSync('tar', ['tzf', outputs.file]).toString().trim().split('\n')).toEqual([
      'acme-web-web-agent-v1.0.0-image.tar.gz',
      'acme-web-web-v1.0.0-image.tar.gz',
      'acme-web.yaml',
    ]);

    const contents = join(directory, 'unpacked');
    await unpack(outputs.file, contents);
    expect(await readFile(join(contents, 'acme-web.yaml'), 'utf8')).toBe(YAML);
    const layout = join(directory, 'layout');
    await unpack(join(contents, 'acme-web-web-v1.0.0-image.tar.gz'), layout);
    const [docker] = isJson(await readFile(join(layout, 'manifest.json'))) as [
      { RepoTags: string[]; Layers: string[] },
    ];
    expect(docker.RepoTags).toEqual([`${TARGET}/acme-web:v1.0.0`]);
    const index = isJson(await readFile(join(layout, 'index.json'))) as { manifests: { digest: string }[] };
    expect(index.manifests.map(({ digest }) => digest)).toEqual([image.manifest.digest]);
    for (const { digest, size } of image.blobs) {
      const blob = await readFile(join(layout, 'blobs/sha256', digest.slice('sha256:'.length)));
      expect(blob.length).toBe(size);
      expect(`sha256:${createHash('sha256').update(blob).digest('hex')}`).toBe(digest);
    }
  });

  it('makes the same bytes again, and says that nothing changed', async () => {
    const images = [await release('web', await makeSample('web'))];
    const first = await bundle(images);
    const copy = await readFile(first.file);
    const second = await bundle(images);
    expect(second.sha256).toBe(first.sha256);
    expect((await readFile(second.file)).equals(copy)).toBe(true);
    expect([first.changed, second.changed]).toEqual([true, false]);
  });

  it('keeps every platform and attestation of an index, and shows docker one platform', async () => {
    const [amd64, arm64] = [await makeSample('amd', 'amd64'), await makeSample('arm', 'arm64')];
    const index = makeIndex([arm64, amd64], { attestations: true });
    const images = [await release('web', index)];
    const outputs = await bundle(images);
    expect(outputs.package?.images).toMatchObject([
      { platforms: ['linux/arm64', 'linux/amd64'], digest: index.manifest.digest },
    ]);

    const shown = async (file: string): Promise<string> => {
      const contents = await mkdtemp(join(directory, 'contents-'));
      await unpack(file, contents);
      await unpack(join(contents, 'acme-web-web-v1.0.0-image.tar.gz'), join(contents, 'layout'));
      const blobs = await readdir(join(contents, 'layout/blobs/sha256'));
      for (const child of index.children) expect(blobs).toContain(child.manifest.digest.slice('sha256:'.length));
      const [docker] = isJson(await readFile(join(contents, 'layout/manifest.json'))) as [{ Config: string }];
      return (isJson(await readFile(join(contents, 'layout', docker.Config))) as { architecture: string }).architecture;
    };
    expect(await shown(outputs.file)).toBe('amd64');
    expect(await shown((await bundle(images, { 'docker-platform': 'linux/arm64' })).file)).toBe('arm64');
    await expect(bundle(images, { 'docker-platform': 'linux/s390x' })).rejects.toThrow(
      /Set `docker-platform` to one of/,
    );
  });

  it('puts only the wanted platforms into the archive', async () => {
    const index = makeIndex([await makeSample('amd', 'amd64'), await makeSample('arm', 'arm64')]);
    const outputs = await bundle([await release('web', index)], { platforms: 'linux/arm64' });
    expect(outputs.package?.images).toMatchObject([{ platforms: ['linux/arm64'] }]);
    expect(outputs.package?.images[0]?.digest).not.toBe(index.manifest.digest);
  });

  it('looks an image up by its tag when no digest is given', async () => {
    const { digest, ...image } = await release('web', await makeSample('web'));
    expect((await bundle([image])).package?.images).toMatchObject([{ digest }]);
  });

  it('plans without writing in a dry run', async () => {
    const outputs = await bundle([await release('web', await makeSample('web'))], { 'dry-run': 'true' });
    expect(outputs.plan.archives.map(({ name }) => name)).toEqual(['acme-web-web-v1.0.0-image.tar.gz']);
    await expect(stat(join(directory, 'out'))).rejects.toThrow(/ENOENT/);
    expect((await bundle([await release('web', await makeSample('web'))])).size).toBe(outputs.size);
  });

  it.each([
    ['a reset', { kind: 'reset' }],
    ['an early end', { kind: 'truncate' }],
    ['a 500', { kind: 'status', status: 500 }],
  ] as const)('survives %s while a layer is read, with the same bytes', async (_, fault) => {
    const images = [await release('web', await makeSample('web'))];
    const calm = await bundle(images);
    registry.failNext({ ...fault, method: 'GET', path: /blobs\/sha256/, times: 2 });
    expect((await bundle(images)).sha256).toBe(calm.sha256);
  });

  it.each([
    ['whole', 1, 0],
    ['damaged', 0, 1],
  ])('takes a blob that is kept, and %s, as it should', async (state, kept, read) => {
    const layers = [{ size: 5_000_000 }];
    const image = await makeImage({ seed: 'l', architecture: 'amd64', os: 'linux', mediaTypes: 'oci', layers });
    const images = [await release('web', image)];
    const calm = await bundle(images);
    const { digest = '' } = image.blobs[1] ?? {};
    const spool = join(directory, 'work', 'blobs', 'sha256');
    await mkdir(spool, { recursive: true });
    const answer = await fetch(`${registry.url}/v2/release/acme-web/blobs/${digest}`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (state === 'damaged') bytes.fill('x', bytes.length - 10);
    await writeFile(join(spool, digest.slice('sha256:'.length)), bytes);
    const reads = (): number => registry.requests.filter(({ path }) => path.endsWith(digest)).length;
    const before = reads();
    expect((await bundle(images, {}, 'work')).sha256).toBe(calm.sha256);
    expect([await readdir(spool), reads() - before]).toMatchObject([{ length: kept }, read]);
    expect(await readdir(join(directory, 'out'))).toHaveLength(2);
  });

  it('leaves nothing behind when a blob is damaged', async () => {
    const images = [await release('web', await makeSample('web'))];
    registry.failNext({ kind: 'corrupt', method: 'GET', path: /blobs\/sha256/, times: 50 });
    await expect(bundle(images)).rejects.toThrow(/arrived with the digest/);
    expect(await readdir(join(directory, 'out')).catch(() => [])).toEqual([]);
  });

  it('refuses a YAML that is not the validated one, and one whose image is not in the package', async () => {
    const web = await release('web', await makeSample('web'));
    const agent = await release('web-agent', await makeSample('agent'));
    await expect(bundle([agent])).rejects.toThrow(
      /runs harbor\.example\.com\/release\/acme-web:v1\.0\.0, which is not among/,
    );
    await writeFile(join(directory, 'web.yaml'), `${YAML}# changed\n`);
    await expect(bundle([web])).rejects.toThrow(/was validated/);
  });

  it('does not mix the bytes of two runs that write the same package', async () => {
    const images = [await release('web', await makeSample('web'))];
    const [first, second] = await Promise.all([bundle(images), bundle(images)]);
    const bytes = await readFile(first.file);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(first.sha256);
    expect(second.sha256).toBe(first.sha256);
    expect((await readdir(join(directory, 'out'))).sort()).toEqual([
      'acme-web-v1.0.0.tar.gz',
      'acme-web-v1.0.0.tar.gz.sha256',
    ]);
  });

  it('removes what a killed run left', async () => {
    await mkdir(join(directory, 'out'));
    const child = execFileSync('sh', ['-c', 'echo $$']).toString().trim();
    await writeFile(join(directory, 'out', `acme-web-v1.0.0.tar.gz.${child}.0123abcd.partial`), 'half');
    await bundle([await release('web', await makeSample('web'))]);
    expect((await readdir(join(directory, 'out'))).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  it('refuses the wrong platform, also of an image without an index', async () => {
    const images = [await release('web', await makeSample('web'))];
    await expect(bundle(images, { platforms: 'linux/arm64' })).rejects.toThrow(
      /has no linux\/arm64; it is linux\/amd64/,
    );
    expect((await bundle(images, { platforms: 'linux/amd64' })).package?.images).toMatchObject(images);
  });

  it('refuses an image that could not be synced', async () => {
    const web = await release('web', await makeSample('web'));
    await expect(bundle([{ ...web, result: 'failed' }])).rejects.toThrow(/could not be synced/);
  });

  it('contacts no registry that is not configured', async () => {
    await writeFile(
      join(directory, 'slipway.yaml'),
      `plugins: { prefix: acme-, target: "${TARGET}" }\nregistries: { harbor.example.com: { endpoint: "${registry.url}", plain-http: true } }\n`,
    );
    const web = await release('web', await makeSample('web'));
    const before = registry.requests.length;
    const stray = { ...web, target: 'evil.example.net/acme-web:v1.0.0', name: 'evil' };
    await expect(bundle([web, stray])).rejects.toThrow(/evil\.example\.net\/acme-web:v1\.0\.0 is not below/);
    expect(registry.requests.length).toBe(before);
  });

  it('refuses two images with one archive name, and an image that is not there', async () => {
    const web = await release('web', await makeSample('web'));
    await expect(bundle([web, { ...web, target: `${TARGET}/acme-web:other` }])).rejects.toThrow(/would both be called/);
    const missing = { source: web.source, target: `${TARGET}/acme-web:v1.0.0-absent`, name: 'absent' };
    await expect(bundle([web, missing])).rejects.toThrow(/does not exist/);
  });

  it('says which directory cannot be written', async () => {
    await mkdir(join(directory, 'out'));
    await writeFile(join(directory, 'file'), '');
    const images = [await release('web', await makeSample('web'))];
    await expect(bundle(images, { output: join(directory, 'file') })).rejects.toThrow(/file/);
  });
});
