import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage } from '@slipway/sandbox/images/sample-image';
import { makeIndex, type SampleIndex } from '@slipway/sandbox/images/sample-index';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { dockerLogin, runBundle, temporaryDirectory } from '../bundle.ts';
import { type DockerRegistry, REGISTRY_USER, startDockerRegistry } from './docker-registry.ts';
import { runPeer, titled, whyAbsent, whyNotRoot } from './peers.ts';
import { suiteDirectory } from './suite-directory.ts';

const absent = whyAbsent('docker-registry', 'skopeo', 'openssl');

function makeSample(seed: string, architecture = 'amd64') {
  return makeImage({
    seed,
    architecture,
    os: 'linux',
    mediaTypes: 'oci',
    layers: [{ size: 300_000 }, { size: 40_000 }],
  });
}

describe.skipIf(absent !== undefined)(titled('sync-images between real docker-registries', absent), () => {
  const directory = suiteDirectory();
  let source: DockerRegistry;
  let target: DockerRegistry;
  let index: SampleIndex;
  let login: { DOCKER_CONFIG: string };
  let config: string;

  beforeAll(async () => {
    source = await startDockerRegistry(join(directory, 'source'), { password: true });
    target = await startDockerRegistry(join(directory, 'target'), { password: true, tls: true });
    index = makeIndex([await makeSample('amd'), await makeSample('arm', 'arm64')], { attestations: true });
    await pushImage(`http://${source.name}`, 'team/app', 'v1.0.0', index, REGISTRY_USER);
    await pushImage(`http://${source.name}`, 'team/tool', 'v1.0.0', await makeSample('tool'), REGISTRY_USER);
    login = dockerLogin(directory, [source.name, target.name], REGISTRY_USER);
    config = join(directory, 'slipway.yaml');
    writeFileSync(
      config,
      `registries:\n  "${source.name}": { plain-http: true }\n  "${target.name}": { ca: "${target.ca}" }\n`,
    );
  });

  afterAll(async () => {
    await Promise.all([source?.stop(), target?.stop()]);
  });

  /** What skopeo finds: the digest of the manifest or index, or undefined when the tag is not there. */
  async function digestBySkopeo(registry: DockerRegistry, path: string): Promise<string | undefined> {
    const args = ['--tls-verify=false', '--creds', `${REGISTRY_USER.username}:${REGISTRY_USER.password}`];
    const reference = `docker://${registry.name}/${path}`;
    try {
      const raw = await runPeer('skopeo', ['inspect', '--raw', ...args, reference]);
      const file = join(directory, 'raw.json');
      writeFileSync(file, raw);
      return (await runPeer('skopeo', ['manifest-digest', file])).trim();
    } catch (error) {
      if (/manifest unknown/.test(String((error as { stderr?: string }).stderr))) return undefined;
      throw error;
    }
  }

  it('copies over TLS and with passwords; skopeo finds the same digests', async () => {
    const images = ['app', 'tool'].map(
      (name) => `${source.name}/team/${name}:v1.0.0 ${target.name}/release/${name}:v1.0.0`,
    );
    const first = await runBundle('sync-images', { images: images.join('\n'), config }, login);
    expect(first.exitCode, first.log).toBe(0);
    for (const name of ['app', 'tool']) {
      const digest = await digestBySkopeo(source, `team/${name}:v1.0.0`);
      expect(digest).toMatch(/^sha256:/);
      expect(await digestBySkopeo(target, `release/${name}:v1.0.0`)).toBe(digest);
    }
    expect(first.outputs['images']).toContain(index.manifest.digest);
    const again = await runBundle('sync-images', { images: images.join('\n'), config }, login);
    expect(again.outputs['changed']).toBe('false');
  });

  it('fails on a wrong password with a clear error and no tag', async () => {
    const inputs = {
      images: `${source.name}/team/app:v1.0.0 ${target.name}/release/refused:v1.0.0`,
      config,
      'target-username': REGISTRY_USER.username,
      'target-password': 'not-the-password',
    };
    const result = await runBundle('sync-images', inputs, login);
    expect(result.exitCode).toBe(1);
    expect(result.log).toMatch(/Check the user name and password for this registry/);
    expect(result.log).not.toContain('not-the-password');
    expect(await digestBySkopeo(target, 'release/refused:v1.0.0')).toBeUndefined();
  });

  it('fails on an unknown image, says which, and still copies the other', async () => {
    const images = [
      `${source.name}/team/absent:v1.0.0 ${target.name}/release/absent:v1.0.0`,
      `${source.name}/team/tool:v1.0.0 ${target.name}/release/tool-again:v1.0.0`,
    ];
    const result = await runBundle('sync-images', { images: images.join('\n'), config }, login);
    expect(result.exitCode).toBe(1);
    expect(result.outputs['failed']).toBe('1');
    expect(result.log).toMatch(/team\/absent:v1\.0\.0 does not exist/);
    expect(await digestBySkopeo(target, 'release/tool-again:v1.0.0')).toMatch(/^sha256:/);
  });

  it('does not trust a certificate of an unknown authority', async () => {
    const strict = join(directory, 'strict.yaml');
    writeFileSync(strict, `registries:\n  "${source.name}": { plain-http: true }\n  "${target.name}": {}\n`);
    const images = `${source.name}/team/tool:v1.0.0 ${target.name}/release/untrusted:v1.0.0`;
    const result = await runBundle('sync-images', { images, config: strict }, login);
    expect(result.exitCode).toBe(1);
    expect(result.log).toMatch(/give its `ca` in the configuration/);
  });

  const notRoot = whyNotRoot();
  it.skipIf(notRoot !== undefined)(titled('leaves no tag when the registry has no space left', notRoot), async () => {
    const full = join(temporaryDirectory(), 'full');
    mkdirSync(join(full, 'data'), { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', join(full, 'data')]);
    onTestFinished(() => {
      execFileSync('umount', [join(full, 'data')]);
    });
    const small = await startDockerRegistry(full);
    onTestFinished(() => small.stop());
    const withSmall = join(directory, 'full.yaml');
    writeFileSync(
      withSmall,
      `registries:\n  "${source.name}": { plain-http: true }\n  "${small.name}": { plain-http: true }\n`,
    );
    const images = `${source.name}/team/app:v1.0.0 ${small.name}/release/app:v1.0.0`;
    const result = await runBundle('sync-images', { images, config: withSmall }, login);
    expect(result.exitCode).toBe(1);
    expect(result.log).toMatch(/The registry has a problem: run again later/);
    expect(await digestBySkopeo(small, 'release/app:v1.0.0')).toBeUndefined();
  });
});
