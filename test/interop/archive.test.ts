import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Package } from '@slipway/core/archive/package';
import { gitBlobId } from '@slipway/core/github/git-object';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage, type SampleImage } from '@slipway/sandbox/images/sample-image';
import { makeIndex, type SampleIndex } from '@slipway/sandbox/images/sample-index';
import { type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { runBundle, temporaryDirectory } from '../bundle.ts';
import { isolatePodman, startContainerd, startDockerEngine } from './engines.ts';
import { runPeer, titled, whyAbsent, whyNotRoot } from './peers.ts';
import { suiteDirectory } from './suite-directory.ts';

const TARGET = 'harbor.example.com/release';

/** The three shapes that images have in registries. */
const SHAPES = ['one platform', 'several platforms', "docker's media types"] as const;
type Shape = (typeof SHAPES)[number];
const NAMES: Record<Shape, string> = {
  'one platform': 'one',
  'several platforms': 'many',
  "docker's media types": 'classic',
};

function makeSample(seed: string, architecture: string, mediaTypes: 'oci' | 'docker' = 'oci'): Promise<SampleImage> {
  return makeImage({ seed, architecture, os: 'linux', mediaTypes, layers: [{ size: 200_000 }, { size: 30_000 }] });
}

describe('an image archive', () => {
  const directory = suiteDirectory();
  let registry: RegistryServer;
  let config: string;
  const samples = new Map<Shape, SampleImage | SampleIndex>();
  const archives = new Map<Shape, string>();

  beforeAll(async () => {
    registry = await startRegistry({ directory: join(directory, 'registry') });
    config = join(directory, 'slipway.yaml');
    writeFileSync(config, `registries: { harbor.example.com: { endpoint: "${registry.url}", plain-http: true } }\n`);
    samples.set('one platform', await makeSample('one', 'amd64'));
    const [arm64, amd64] = [await makeSample('arm', 'arm64'), await makeSample('amd', 'amd64')];
    samples.set('several platforms', makeIndex([arm64, amd64], { attestations: true }));
    samples.set("docker's media types", await makeSample('classic', 'amd64', 'docker'));
    for (const shape of SHAPES) archives.set(shape, await makeArchive(shape));
  });

  afterAll(() => registry?.close());

  /** Makes a package with one image by the shipped bundle, unpacks it, and returns the image archive's path. */
  async function makeArchive(shape: Shape): Promise<string> {
    const name = NAMES[shape];
    await pushImage(registry.url, `release/${name}`, 'v1.0.0', sampleOf(shape));
    const { exitCode, log } = await bundle(name, join(directory, name));
    expect(exitCode, log).toBe(0);
    execFileSync('tar', ['xzf', `${name}-v1.0.0.tar.gz`], { cwd: join(directory, name) });
    return join(directory, name, `${name}-${name}-v1.0.0-image.tar.gz`);
  }

  function bundle(name: string, output: string) {
    const yaml = `spec: { version: v1.0.0, service: { image: "${TARGET}/${name}:v1.0.0" } }\n`;
    const file = join(directory, `${name}.yaml`);
    writeFileSync(file, yaml);
    const image = { source: `cargo.example.com/team/${name}:v1.0.0`, target: `${TARGET}/${name}:v1.0.0`, name };
    const plugin = {
      plugin: name,
      version: 'v1.0.0',
      file,
      commit: '',
      blob: gitBlobId(Buffer.from(yaml)),
      images: [image],
    };
    return runBundle('bundle-package', { plugin: JSON.stringify(plugin), output, config });
  }

  function sampleOf(shape: Shape): SampleImage | SampleIndex {
    const sample = samples.get(shape);
    if (sample === undefined) throw new Error(`no sample of ${shape}`);
    return sample;
  }

  const archiveOf = (shape: Shape): string => archives.get(shape) ?? '';
  const nameOf = (shape: Shape): string => `${TARGET}/${NAMES[shape]}:v1.0.0`;
  /** The digest of the image's configuration: docker's and podman's image id. */
  const idOf = (shape: Shape): string => {
    const sample = sampleOf(shape);
    const image =
      sample.kind === 'index' ? sample.children.find(({ platform }) => platform.architecture === 'amd64') : sample;
    return image?.blobs[0]?.digest ?? '';
  };

  const noDocker = whyAbsent('dockerd', 'docker') ?? whyNotRoot();
  it.skipIf(noDocker !== undefined)(
    titled('loads into a Docker Engine, under the name in the YAML', noDocker),
    async () => {
      const engine = await startDockerEngine(join(temporaryDirectory(), 'd'));
      onTestFinished(() => engine.stop());
      for (const shape of SHAPES) {
        const output = await runPeer('docker', ['load', '-i', archiveOf(shape)], { env: engine.env });
        expect(output, shape).toContain(`Loaded image: ${nameOf(shape)}`);
        const id = await runPeer('docker', ['image', 'inspect', '-f', '{{.Id}}', nameOf(shape)], { env: engine.env });
        expect(id.trim(), shape).toBe(idOf(shape));
      }
    },
  );

  const noPodman = whyAbsent('podman') ?? whyNotRoot();
  it.skipIf(noPodman !== undefined)(titled('loads into podman, under the name in the YAML', noPodman), async () => {
    const env = isolatePodman(join(temporaryDirectory(), 'podman'));
    for (const shape of SHAPES) {
      const output = await runPeer('podman', ['load', '-i', archiveOf(shape)], { env });
      expect(output, shape).toContain(nameOf(shape));
      const id = await runPeer('podman', ['image', 'inspect', '-f', '{{.Id}}', nameOf(shape)], { env });
      expect(`sha256:${id.trim()}`, shape).toBe(idOf(shape));
    }
  });

  const noContainerd = whyAbsent('containerd', 'ctr') ?? whyNotRoot();
  it.skipIf(noContainerd !== undefined)(
    titled('gunzipped, imports into containerd with the released digest', noContainerd),
    async () => {
      const engine = await startContainerd(join(temporaryDirectory(), 'c'));
      onTestFinished(() => engine.stop());
      for (const shape of SHAPES) {
        const command = `gunzip -c "${archiveOf(shape)}" | ctr images import --no-unpack -`;
        await runPeer('sh', ['-c', command], { env: engine.env });
        const listing = await runPeer('ctr', ['images', 'ls'], { env: engine.env });
        const line = listing.split('\n').find((candidate) => candidate.startsWith(`${nameOf(shape)} `));
        expect(line, listing).toContain(sampleOf(shape).manifest.digest);
      }
    },
  );

  const noSkopeo = whyAbsent('skopeo');
  it.skipIf(noSkopeo !== undefined)(
    titled('is read by skopeo as oci-archive, and gunzipped as docker-archive', noSkopeo),
    async () => {
      const scratch = temporaryDirectory();
      for (const shape of SHAPES) {
        const raw = await runPeer('skopeo', ['inspect', '--raw', `oci-archive:${archiveOf(shape)}`]);
        writeFileSync(join(scratch, 'raw.json'), raw);
        const digest = await runPeer('skopeo', ['manifest-digest', join(scratch, 'raw.json')]);
        expect(digest.trim(), shape).toBe(sampleOf(shape).manifest.digest);

        const plain = join(scratch, 'plain.tar');
        execFileSync('sh', ['-c', `gunzip -c "${archiveOf(shape)}" > "${plain}"`]);
        const inspected = JSON.parse(
          await runPeer('skopeo', ['inspect', '--config', '--raw', `docker-archive:${plain}`]),
        ) as {
          architecture: string;
        };
        expect(inspected.architecture, shape).toBe('amd64');
      }
    },
  );

  const notRoot = whyNotRoot();
  it.skipIf(notRoot !== undefined)(titled('leaves nothing behind on a full disk, and says so', notRoot), async () => {
    const full = join(temporaryDirectory(), 'full');
    mkdirSync(full);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', full]);
    onTestFinished(() => {
      execFileSync('umount', [full]);
    });
    const result = await bundle('one', full);
    expect(result.exitCode).toBe(1);
    expect(result.log).toMatch(
      /No space left for .*one-v1\.0\.0\.tar\.gz, which needs \d+ kB\. Nothing was left behind/,
    );
    expect(readdirSync(full)).toEqual([]);
  });

  it('is described by the output `package`', async () => {
    const { outputs } = await bundle('many', join(temporaryDirectory(), 'out'));
    const { images } = JSON.parse(outputs['package'] ?? '') as Package;
    expect(images).toMatchObject([{ platforms: ['linux/arm64', 'linux/amd64'] }]);
  });
});
