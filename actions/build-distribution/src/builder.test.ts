import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { findBusybox, makeRegistryBaseImage } from '@slipway/sandbox/images/registry-base-image';
import { unpackImage } from '@slipway/sandbox/package-registry/unpack-image';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { whyNoChecks } from './checks-fixture.ts';
import {
  BASE,
  build,
  commit,
  configOf,
  directory,
  dockerfile,
  IMAGE,
  packageFiles,
  pushes,
  registry,
  served,
  setUp,
  tearDown,
} from './fixture.ts';

beforeEach(setUp);
afterEach(tearDown);

const why = whyNoChecks();
const busybox = findBusybox();

/** Milliseconds: each test builds several images with real containers. */
const TIMEOUT = 180_000;

/** Has what only other builders understand: a stage that does something, a volume, and a RUN that writes. */
const MORE = dockerfile('production', [])
  .replace(
    'FROM ',
    'FROM images.example.com/registry/package-registry:v1.0.0 AS notes\nRUN echo from-a-stage > /notes\n\nFROM ',
  )
  .replace(
    'RUN ./package-registry -dry-run',
    'COPY --from=notes /notes /notes\nVOLUME /data\nRUN ./package-registry -dry-run && echo "$0 $TOKEN" > /written\nRUN /bin/busybox ip link > /links',
  );

const filesOf = async (reference: string) =>
  (await unpackImage({ registry: registry.url, repository: IMAGE }, reference)).files;

describe.skipIf(why !== undefined)(`builder: buildah${why ?? ''}`, { timeout: TIMEOUT }, () => {
  beforeEach(async () => {
    if (busybox === undefined) return;
    await pushImage(registry.url, BASE, 'v1.0.0', makeRegistryBaseImage({ version: 'v1.0.0', busybox }));
  });

  it('carries out what we do not understand, and its image is like ours to everybody else', async () => {
    const files = { ...packageFiles('log', '1.0.0'), '.dockerignore': 'packages\n', Dockerfile: MORE };
    const head = await commit('production', [], files);
    await expect(build('production').result).rejects.toThrow(/COPY --from=notes copies something else/);

    const running = build('production', { builder: 'buildah' }, { TOKEN: 'of-the-job' });
    expect(await running.result).toMatchObject({ result: 'built', commit: head, packages: 1, changed: true });
    expect(running.runtime.lines.join('\n')).toContain('1 local package manifests loaded');
    expect(await registry.state.tags(IMAGE)).toEqual(expect.arrayContaining([head, 'production']));
    const unpacked = await filesOf('production');
    expect(String(unpacked.get('/notes'))).toContain('from-a-stage');
    expect(String(unpacked.get('/written'))).not.toContain('of-the-job');
    expect(String(unpacked.get('/links')).match(/^\d+: \w+/gm)).toEqual(['1: lo']);
    const { Labels } = (await configOf('production')).config;
    expect(Labels).toMatchObject({
      'org.opencontainers.image.revision': head,
      'dev.slipway.distribution': 'production',
      'dev.slipway.builder': 'buildah',
      'package-registry': 'v1.0.0',
    });
    expect(await served('production')).toEqual(['log-1.0.0']);

    const before = pushes();
    expect(await build('production', { builder: 'buildah' }).result).toMatchObject({ result: 'unchanged' });
    expect(pushes()).toBe(before);
    // Nor has the other builder anything to do for a commit that has its image.
    expect((await build('production', { builder: 'buildah', checks: 'all' }).result).result).toBe('unchanged');
  });

  it('moves the tag forward only, and is an upstream like others', async () => {
    const old = await commit('production', [], packageFiles('log', '1.0.0'));
    await commit('production', [], packageFiles('log', '2.0.0'));
    const { digest } = await build('production', { builder: 'buildah' }).result;
    const late = await build('production', { builder: 'buildah', commit: old }).result;
    expect(late).toMatchObject({ result: 'superseded', commit: old });
    expect((await registry.state.manifest(IMAGE, 'production'))?.digest).toBe(digest);

    await commit('staging', ['production'], packageFiles('tcp', '1.0.0'));
    const ours = await build('staging').result;
    expect(ours).toMatchObject({ result: 'built', packages: 3 });
    expect((await served('staging')).sort()).toEqual(['log-1.0.0', 'log-2.0.0', 'tcp-1.0.0']);

    await commit('staging', ['production'], packageFiles('udp', '1.0.0'));
    expect(await build('staging', { builder: 'buildah' }).result).toMatchObject({ result: 'built', packages: 4 });
    expect((await served('staging')).sort()).toEqual(['log-1.0.0', 'log-2.0.0', 'tcp-1.0.0', 'udp-1.0.0']);
  });

  it('takes images that FROM names by their digests', async () => {
    const { digest = '' } = (await registry.state.manifest(BASE, 'v1.0.0')) ?? {};
    const pinned = dockerfile('production', []).replaceAll(':${PACKAGE_REGISTRY}', `@${digest}`);
    await commit('production', [], { ...packageFiles('log', '1.0.0'), Dockerfile: pinned });
    expect(await build('production', { builder: 'buildah' }).result).toMatchObject({ result: 'built', packages: 1 });
    const hidden = `ARG DIGEST=${digest}\n${pinned.replaceAll(digest, '${DIGEST}')}`;
    await commit('production', [], { Dockerfile: hidden });
    await expect(build('production', { builder: 'buildah' }).result).rejects.toThrow(/has a digest in a variable/);
  });

  it('is refused when it holds other packages than the branch', async () => {
    for (const [run, version] of [
      ['/bin/busybox rm -r /packages/production/log', 'log-1.0.0'],
      ['echo more >> /packages/production/log/1.0.0/LICENSE', 'log-1.0.0'],
      ['/bin/busybox cp -r /packages/production/log /packages/production/tcp', 'tcp-1.0.0'],
      ['echo PK > /packages/production/log-1.0.0.zip', 'log-1.0.0.zip'],
    ] as const) {
      const Dockerfile = dockerfile('production', []).replace('./package-registry -dry-run', run);
      const head = await commit('production', [], { ...packageFiles('log', '1.0.0'), Dockerfile });
      await expect(build('production', { builder: 'buildah' }).result).rejects.toThrow(
        `holds other packages of 'production' than its branch: ${version}. Leave`,
      );
      expect(await registry.state.tags(IMAGE)).not.toContain(head);
    }
  });

  it('publishes nothing when it fails', async () => {
    const looking = dockerfile('production', []).replace('RUN ./package-registry -dry-run', 'RUN exit 7');
    const head = await commit('production', [], { ...packageFiles('log', '1.0.0'), Dockerfile: looking });
    await expect(build('production', { builder: 'buildah' }).result).rejects.toThrow(/failed with the exit code/);
    expect(await registry.state.tags(IMAGE)).not.toContain(head);
  });
});

describe('builder: buildx', () => {
  /** A **stand-in** for docker: it notes how it is called, builds nothing, and ends as it is told. */
  async function standIn(end: string): Promise<{ readonly path: string; readonly calls: () => Promise<string> }> {
    const path = join(directory, 'bin');
    const log = join(directory, 'calls');
    await mkdir(path);
    const script = `#!/bin/sh\n{ printf '%s\\n' "$@"; env; ls -R images; cat context/Dockerfile; } > ${log}\n${end}\n`;
    await writeFile(join(path, 'docker'), script);
    await chmod(join(path, 'docker'), 0o755);
    return { path, calls: () => readFile(log, 'utf8') };
  }

  it('is called with the images of FROM as contexts, and with nothing secret', async () => {
    const { path, calls } = await standIn('exit 3');
    const head = await commit('production', [], { ...packageFiles('log', '1.0.0'), Dockerfile: MORE });
    const env = { PATH: `${path}:${process.env['PATH']}`, TOKEN: 'of-the-job', BUILDX_BUILDER: 'mine' };
    await expect(build('production', { builder: 'buildx' }, env).result).rejects.toThrow(
      /docker buildx failed with the exit code 3; nothing was published/,
    );
    const said = await calls();
    expect(said).toMatch(/^buildx\nbuild\n--progress\nplain\n--file\ncontext\/Dockerfile\n--network\nnone\n/);
    expect(said).toMatch(
      /\n--build-context\nimages\.example\.com\/registry\/package-registry:v1\.0\.0=oci-layout:\/\/\/.*\/images:image-0\n/,
    );
    expect(said).toMatch(/\n--output\ntype=oci,dest=\/.*\/output,tar=false\ncontext\n/);
    expect(said).toContain('BUILDX_BUILDER=mine');
    expect(said).not.toMatch(/of-the-job|RUNNER_TEMP|token-of-the-job/);
    expect(said).toContain('COPY --from=notes /notes /notes');
    expect(await registry.state.tags(IMAGE)).not.toContain(head);
  });

  it('gives an image that is published with our labels', async () => {
    // What it was given as the base image is what it claims to have built.
    const { path } = await standIn('cp -r images output');
    const head = await commit('production', [], { Dockerfile: MORE });
    const env = { PATH: `${path}:${process.env['PATH']}` };
    const outputs = await build('production', { builder: 'buildx' }, env).result;
    expect(outputs).toMatchObject({ result: 'built', commit: head });
    expect((await registry.state.manifest(IMAGE, 'production'))?.digest).toBe(outputs.digest);
    expect((await configOf(head)).config.Labels).toMatchObject({
      'org.opencontainers.image.revision': head,
      'dev.slipway.builder': 'buildx',
      'dev.slipway.layers': 'base base',
    });
    expect((await build('production', { builder: 'buildx' }, env).result).result).toBe('unchanged');
  });

  it('is given nothing that would be fetched', async () => {
    const { path } = await standIn('exit 3');
    const Dockerfile = MORE.replace('VOLUME /data', 'ADD https://example.com/a /a');
    await commit('production', [], { ...packageFiles('log', '1.0.0'), Dockerfile });
    const env = { PATH: `${path}:${process.env['PATH']}` };
    await expect(build('production', { builder: 'buildx' }, env).result).rejects.toThrow(/ADD would fetch something/);
  });

  it('says when what it gives is no image', async () => {
    const { path } = await standIn('mkdir output && echo "{}" > output/index.json');
    await commit('production', [], { ...packageFiles('log', '1.0.0'), Dockerfile: MORE });
    const env = { PATH: `${path}:${process.env['PATH']}` };
    await expect(build('production', { builder: 'buildx' }, env).result).rejects.toThrow(/has written is no image/);
  });

  it('says what is missing', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    const path = join(directory, 'only-git');
    await mkdir(path);
    await writeFile(join(path, 'git'), '#!/bin/sh\nexec /usr/bin/git "$@"\n');
    await chmod(join(path, 'git'), 0o755);
    await expect(build('production', { builder: 'buildx' }, { PATH: path }).result).rejects.toThrow(
      /builder: buildx needs docker and its plugin buildx/,
    );
  });
});
