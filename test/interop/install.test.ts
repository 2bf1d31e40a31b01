import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gitBlobId } from '@slipway/core/github/git-object';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage } from '@slipway/sandbox/images/sample-image';
import { makeIndex, type SampleIndex } from '@slipway/sandbox/images/sample-index';
import { startRegistry } from '@slipway/sandbox/registry/server';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { runBundle, temporaryDirectory } from '../bundle.ts';
import { type DockerRegistry, startDockerRegistry } from './docker-registry.ts';
import { isolatePodman, startContainerd, startDockerEngine } from './engines.ts';
import { runPeer, titled, whyAbsent, whyNotRoot } from './peers.ts';
import { suiteDirectory } from './suite-directory.ts';

const PACKAGE = 'acme-plugins-log-collector-v1.1.0.tar.gz';
const guide = readFileSync(join(import.meta.dirname, '../../docs/install.md'), 'utf8');

/** The commands of the guide for one engine, as somebody would paste them one after the other. */
function commandsFor(engine: 'docker' | 'podman' | 'containerd', registry: string): string {
  const blocks = [...guide.matchAll(/^```sh ?(\w*)\n(.*?)^```$/gms)];
  const wanted = blocks.filter(([, only]) => only === '' || only === engine).map(([, , commands]) => commands);
  return ['set -e', ...wanted]
    .join('\n')
    .replace('REGISTRY=registry.site.example/plugins', `REGISTRY=${registry}/plugins`);
}

const absent = whyAbsent('docker-registry', 'openssl', 'skopeo') ?? whyNotRoot();

describe.skipIf(absent !== undefined)(titled('the commands of docs/install.md', absent), () => {
  const directory = suiteDirectory();
  let site: DockerRegistry;
  /** containerd speaks plain http to this machine, and nothing else. */
  let plainSite: DockerRegistry;
  let index: SampleIndex;

  beforeAll(async () => {
    site = await startDockerRegistry(join(directory, 'site'), { tls: true });
    plainSite = await startDockerRegistry(join(directory, 'plain-site'));
    await makePackage();
  });

  afterAll(async () => {
    await Promise.all([site?.stop(), plainSite?.stop()]);
  });

  async function makePackage(): Promise<void> {
    const registry = await startRegistry({ directory: join(directory, 'registry') });
    const make = (architecture: string) =>
      makeImage({ seed: architecture, architecture, os: 'linux', mediaTypes: 'oci', layers: [{ size: 100_000 }] });
    index = makeIndex([await make('amd64'), await make('arm64')]);
    await pushImage(registry.url, 'release/acme-plugins-log-collector', 'v1.1.0', index);
    const target = 'harbor.example.com/release/acme-plugins-log-collector:v1.1.0';
    const yaml = `spec:\n  version: v1.1.0\n  service:\n    image: ${target}\n`;
    const file = join(directory, 'log-collector.yaml');
    writeFileSync(file, yaml);
    const config = join(directory, 'slipway.yaml');
    writeFileSync(
      config,
      `plugins: { prefix: acme-plugins- }\nregistries: { harbor.example.com: { endpoint: "${registry.url}", plain-http: true } }\n`,
    );
    const images = [{ source: target, target, name: 'log-collector', digest: index.manifest.digest }];
    const blob = gitBlobId(Buffer.from(yaml));
    const plugin = JSON.stringify({ plugin: 'log-collector', version: 'v1.1.0', file, commit: '', blob, images });
    const { exitCode, log } = await runBundle('bundle-package', { plugin, output: directory, config });
    await registry.close();
    expect(exitCode, log).toBe(0);
  }

  /** Follows the guide in an empty folder, and returns the manifest that the site's registry holds afterwards. */
  async function follow(
    engine: 'docker' | 'podman' | 'containerd',
    registry: DockerRegistry,
    env: NodeJS.ProcessEnv,
  ): Promise<string> {
    const folder = join(directory, engine);
    mkdirSync(folder, { recursive: true });
    for (const file of [PACKAGE, `${PACKAGE}.sha256`]) copyFileSync(join(directory, file), join(folder, file));
    const output = await runPeer('bash', ['-c', commandsFor(engine, registry.name)], { cwd: folder, env });
    expect(output).toContain(`${PACKAGE}: OK`);
    expect(readFileSync(join(folder, 'acme-plugins-log-collector.yaml'), 'utf8')).toContain(
      `    image: ${registry.name}/plugins/acme-plugins-log-collector:v1.1.0\n`,
    );
    const image = `docker://${registry.name}/plugins/acme-plugins-log-collector:v1.1.0`;
    return runPeer('skopeo', ['inspect', '--raw', '--tls-verify=false', image]);
  }

  const configOf = (manifest: string): unknown =>
    (JSON.parse(manifest) as { config?: { digest: string } }).config?.digest;
  const amd64Config = (): string | undefined => index.children[0]?.blobs[0]?.digest;

  const noDocker = whyAbsent('dockerd', 'docker');
  it.skipIf(noDocker !== undefined)(titled('work with docker', noDocker), async () => {
    const engine = await startDockerEngine(join(temporaryDirectory(), 'd'), { SSL_CERT_FILE: site.ca });
    onTestFinished(() => engine.stop());
    expect(configOf(await follow('docker', site, engine.env))).toBe(amd64Config());
  });

  const noPodman = whyAbsent('podman');
  it.skipIf(noPodman !== undefined)(titled('work with podman', noPodman), async () => {
    const env = { ...isolatePodman(join(temporaryDirectory(), 'p')), SSL_CERT_FILE: site.ca };
    expect(configOf(await follow('podman', site, env))).toBe(amd64Config());
  });

  const noContainerd = whyAbsent('containerd', 'ctr');
  // containerd 1.6's client now and then loses the connection to its own server: 'rpc error … unexpected EOF'.
  const retried = { retry: 2 };
  it.skipIf(noContainerd !== undefined)(
    titled('work with containerd, and keep the digest', noContainerd),
    retried,
    async () => {
      const engine = await startContainerd(join(temporaryDirectory(), 'c'));
      onTestFinished(() => engine.stop());
      const manifest = await follow('containerd', plainSite, engine.env);
      expect(`sha256:${createHash('sha256').update(manifest).digest('hex')}`).toBe(index.manifest.digest);
    },
  );
});
