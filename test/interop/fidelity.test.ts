import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findDifferences } from '@slipway/sandbox/images/read-back';
import {
  makeArtifact,
  makeUnusualImages,
  pushUnusualImage,
  type UnusualImage,
} from '@slipway/sandbox/images/unusual-images';
import { type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runBundle } from '../bundle.ts';
import { type DockerRegistry, startDockerRegistry } from './docker-registry.ts';
import { titled, whyAbsent } from './peers.ts';
import { suiteDirectory } from './suite-directory.ts';

const absent = whyAbsent('docker-registry');

/** docker-registry 2.8 names manifests by sha256 alone. */
const REFUSED_THERE = ['sha512-manifest'];

describe.skipIf(absent !== undefined)(titled('fidelity with a real docker-registry', absent), () => {
  const directory = suiteDirectory();
  let real: DockerRegistry;
  let strict: DockerRegistry;
  let sandbox: RegistryServer;
  let config: string;
  let images: UnusualImage[];

  beforeAll(async () => {
    real = await startDockerRegistry(join(directory, 'real'), { foreignLayers: true });
    strict = await startDockerRegistry(join(directory, 'strict'));
    sandbox = await startRegistry({ directory: join(directory, 'sandbox') });
    images = (await makeUnusualImages()).filter(({ name }) => !REFUSED_THERE.includes(name));
    config = join(directory, 'slipway.yaml');
    const names = [real.name, strict.name, `127.0.0.1:${sandbox.port}`];
    writeFileSync(config, `registries:\n${names.map((name) => `  "${name}": { plain-http: true }\n`).join('')}`);
  });

  afterAll(async () => {
    await Promise.all([real?.stop(), strict?.stop(), sandbox?.close()]);
  });

  const sync = (from: string, to: string, names: readonly string[], more: Record<string, string> = {}) =>
    runBundle('sync-images', {
      images: names.map((name) => `${from}/team/${name}:v1 ${to}/release/${name}:v1`).join('\n'),
      config,
      ...more,
    });

  it('carries every unusual image into it and out of it again', async () => {
    const server = `127.0.0.1:${sandbox.port}`;
    for (const image of images) await pushUnusualImage(sandbox.url, `team/${image.name}`, image, 'v1');
    const names = images.map(({ name }) => name);
    const into = await sync(server, real.name, names);
    expect(into.exitCode, into.log).toBe(0);
    for (const image of images) {
      const differences = await findDifferences(`http://${real.name}`, `release/${image.name}`, image, 'v1');
      expect(differences, image.name).toEqual([]);
      await pushUnusualImage(`http://${real.name}`, `team/${image.name}`, image, 'v1');
    }
    const out = await sync(real.name, server, names);
    expect(out.exitCode, out.log).toBe(0);
    for (const image of images) {
      const differences = await findDifferences(sandbox.url, `release/${image.name}`, image, 'v1');
      expect(differences, image.name).toEqual([]);
    }
  });

  it('says why a strict registry refuses a layer that is served elsewhere', async () => {
    const result = await sync(`127.0.0.1:${sandbox.port}`, strict.name, ['foreign-layer']);
    expect(result.exitCode).toBe(1);
    expect(result.log).toMatch(/was left out.*validation\.manifests\.urls\.allow/);
  });

  it('carries referrers to a registry without that interface, under the fallback tag, and back', async () => {
    const server = `127.0.0.1:${sandbox.port}`;
    const image = makeArtifact('application/vnd.example.image', 'signed');
    const signature = makeArtifact('application/vnd.example.signature', 'signature', image.manifest);
    await pushUnusualImage(sandbox.url, 'team/signed', image, 'v1');
    await pushUnusualImage(sandbox.url, 'team/signed', signature, signature.manifest.digest);
    const into = await sync(server, real.name, ['signed'], { referrers: 'true' });
    expect(into.exitCode, into.log).toBe(0);
    const tag = image.manifest.digest.replace(':', '-');
    const answer = await fetch(`http://${real.name}/v2/release/signed/manifests/${tag}`, {
      headers: { accept: 'application/vnd.oci.image.index.v1+json' },
    });
    expect(await answer.json()).toMatchObject({
      manifests: [{ digest: signature.manifest.digest, artifactType: 'application/vnd.example.signature' }],
    });
    const again = await sync(server, real.name, ['signed'], { referrers: 'true' });
    expect(again.outputs['changed'], again.log).toBe('false');

    const back = await runBundle('sync-images', {
      images: `${real.name}/release/signed:v1 ${server}/back/signed:v1`,
      config,
      referrers: 'true',
    });
    expect(back.exitCode, back.log).toBe(0);
    const listed = await fetch(`${sandbox.url}/v2/back/signed/referrers/${image.manifest.digest}`);
    expect(await listed.json()).toMatchObject({ manifests: [{ digest: signature.manifest.digest }] });
    expect(await findDifferences(sandbox.url, 'back/signed', signature, signature.manifest.digest)).toEqual([]);
  });
});
