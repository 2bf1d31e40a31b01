import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { openBlob, type SampleBlob } from './sample-blob.ts';
import { type ImageOptions, makeImage, type SampleImage } from './sample-image.ts';
import { makeIndex } from './sample-index.ts';
import { tarHeader, tarPadding } from './ustar.ts';

const run = promisify(execFile);
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const options: ImageOptions = {
  seed: 'one',
  layers: [{ size: 300_000, compressible: true }, { size: 200_000 }],
  architecture: 'arm64',
  os: 'linux',
  variant: 'v8',
  config: { Cmd: ['/bin/tool'] },
  mediaTypes: 'oci',
};

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'slipway-image-'));
  folders.push(path);
  return path;
}

async function configOf(image: SampleImage): Promise<unknown> {
  return JSON.parse((await contentOf(image.blobs[0])).toString());
}

function contentOf(blob: SampleBlob | undefined): Promise<Buffer> {
  return blob === undefined ? Promise.resolve(Buffer.alloc(0)) : buffer(openBlob(blob));
}

const sha256 = (content: Buffer): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;

test('equal seeds give equal images, in memory and on disk; other seeds share nothing', async () => {
  const [first, second] = [await makeImage(options), await makeImage({ ...options, directory: await folder() })];
  expect(second.manifest.digest).toBe(first.manifest.digest);
  const other = await makeImage({ ...options, seed: 'two' });
  const digests = new Set([...first.blobs, ...other.blobs].map(({ digest }) => digest));
  expect(digests.size).toBe(6);
});

test('a layer with a seed of its own is the same in every image', async () => {
  const base = { size: 10_000, seed: 'base' };
  const [first, second] = [
    await makeImage({ ...options, layers: [base, { size: 10_000 }] }),
    await makeImage({ ...options, seed: 'two', layers: [base, { size: 10_000 }] }),
  ];
  expect(second.blobs[1]?.digest).toBe(first.blobs[1]?.digest);
  expect(second.blobs[2]?.digest).not.toBe(first.blobs[2]?.digest);
});

test('blobs have the digests, sizes and diff ids that manifest and config name', async () => {
  const path = await folder();
  const image = await makeImage({ ...options, directory: path });
  const [, ...layers] = image.blobs;
  const contents = await Promise.all(layers.map(contentOf));
  expect(contents.map(sha256)).toEqual(layers.map(({ digest }) => digest));
  expect(await configOf(image)).toMatchObject({
    architecture: 'arm64',
    variant: 'v8',
    config: { Cmd: ['/bin/tool'] },
    rootfs: { diff_ids: contents.map((content) => sha256(gunzipSync(content))) },
  });
  for (const [index, layer] of options.layers.entries()) {
    expect(Math.abs((contents[index]?.length ?? 0) / layer.size - 1)).toBeLessThan(0.03);
  }
  expect((await readdir(path)).sort()).toEqual(layers.map(({ digest }) => digest.slice(7)).sort());
});

test('tar reads the layers', async () => {
  const image = await makeImage({ ...options, layers: [{ size: 5000 }] });
  const file = join(await folder(), 'layer.tar.gz');
  await writeFile(file, await contentOf(image.blobs[1]));
  const { stdout } = await run('tar', ['-tvzf', file]);
  const lines = stdout.trim().split('\n');
  expect(lines).toHaveLength(4);
  expect(lines[0]).toMatch(/^drwxr-xr-x 0\/0 .*\/$/);
  expect(lines[1]).toMatch(/^-rw-r--r-- 0\/0 +1668 .*\/0\.bin$/);
});

test('an index names platforms; its attestations name the images they are about', async () => {
  const images = [await makeImage(options), await makeImage({ ...options, architecture: 'amd64' })];
  const { manifest, children } = makeIndex(images, { attestations: true });
  expect(children).toHaveLength(4);
  expect(JSON.parse(manifest.content.toString())).toMatchObject({
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      { digest: images[0]?.manifest.digest, platform: { architecture: 'arm64', os: 'linux', variant: 'v8' } },
      { digest: images[1]?.manifest.digest },
      {
        platform: { architecture: 'unknown', os: 'unknown' },
        annotations: { 'vnd.docker.reference.digest': images[0]?.manifest.digest },
      },
      { annotations: { 'vnd.docker.reference.digest': images[1]?.manifest.digest } },
    ],
  });
});

test("docker's images make docker's list, and cannot be annotated", async () => {
  const docker: ImageOptions = { ...options, mediaTypes: 'docker' };
  const list = makeIndex([await makeImage(docker)]);
  expect(list.manifest.mediaType).toBe('application/vnd.docker.distribution.manifest.list.v2+json');
  await expect(makeImage({ ...docker, annotations: { a: 'b' } })).rejects.toThrow('no annotations');
});

function podmanWorks(): boolean {
  try {
    execFileSync('podman', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const hasPodman = podmanWorks();

test.skipIf(!hasPodman)(
  hasPodman ? 'podman loads an image' : 'podman loads an image (skipped: it is absent)',
  async () => {
    const image = await makeImage({ ...options, architecture: 'amd64' });
    const path = await folder();
    const [config, ...layers] = await Promise.all(
      image.blobs.map(async (blob) => ({ name: blob.digest.slice(7), content: await contentOf(blob) })),
    );
    // The format of docker save: layers unpacked, named by a manifest.json.
    const files = [
      { name: `${config?.name}.json`, content: config?.content ?? Buffer.alloc(0) },
      ...layers.map(({ name, content }) => ({ name: `${name}.tar`, content: gunzipSync(content) })),
    ];
    const [first, ...rest] = files.map(({ name }) => name);
    const manifest = [{ Config: first, RepoTags: ['example.com/tool:v1'], Layers: rest }];
    files.push({ name: 'manifest.json', content: Buffer.from(JSON.stringify(manifest)) });
    const archive = join(path, 'image.tar');
    const parts = files.flatMap(({ name, content }) => [
      tarHeader({ name, size: content.length, mode: 0o644 }),
      content,
      tarPadding(content.length),
    ]);
    await writeFile(archive, Buffer.concat([...parts, Buffer.alloc(1024)]));
    const storage = ['--root', join(path, 'root'), '--runroot', join(path, 'run'), '--storage-driver', 'vfs'];
    const { stdout } = await run('podman', [...storage, 'load', '-i', archive]);
    expect(stdout).toContain('example.com/tool:v1');
  },
);
