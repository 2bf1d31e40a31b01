import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commitFiles, createBareRepository } from '@slipway/sandbox/github/seed';
import { type GitHubServer, startGitHub } from '@slipway/sandbox/github/server';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { findBusybox, makeRegistryBaseImage } from '@slipway/sandbox/images/registry-base-image';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dockerLogin, runBundle } from '../bundle.ts';
import { type DockerRegistry, REGISTRY_USER, startDockerRegistry } from './docker-registry.ts';
import { type Engine, isolatePodman, startDockerEngine } from './engines.ts';
import { runPeer, titled, whyAbsent, whyNotRoot } from './peers.ts';
import { suiteDirectory } from './suite-directory.ts';

const TOKEN = 'token-of-the-job';
const IMAGE = 'package-registry/distribution';

/** What the branch holds below `packages`; equal contents of one package share an inode once unpacked. */
const SHARED = 'the same in every version\n'.repeat(100);
const VERSIONS = ['1.0.0', '1.1.0', '2.0.0-beta.1'];
const PACKAGES = new Map<string, { readonly content: string; readonly executable: boolean }>(
  ['log', 'tcp'].flatMap((name) =>
    VERSIONS.flatMap((version) => [
      [
        `${name}/${version}/manifest.yml`,
        { content: `name: ${name}\nversion: ${version}\n`, executable: false },
      ] as const,
      [`${name}/${version}/LICENSE.txt`, { content: SHARED, executable: false }] as const,
      [`${name}/${version}/img/${'long'.repeat(30)} ünïcode.svg`, { content: SHARED, executable: false }] as const,
      [`${name}/${version}/run.sh`, { content: SHARED, executable: true }] as const,
      [`${name}/${version}/empty`, { content: '', executable: false }] as const,
    ]),
  ),
);

const absent =
  whyAbsent('docker-registry', 'skopeo', 'git') ?? (findBusybox() ? undefined : 'no busybox-static') ?? whyNotRoot();

describe.skipIf(absent !== undefined)(titled('a distribution image in real engines', absent), () => {
  const directory = suiteDirectory();
  let registry: DockerRegistry;
  let github: GitHubServer;
  let login: { readonly DOCKER_CONFIG: string };
  let reference: string;
  let digest: string;

  beforeAll(async () => {
    const bare = join(directory, 'storage.git');
    await createBareRepository(bare);
    const packages = [...PACKAGES].map(([path, file]) => [`packages/${path}`, file] as const);
    registry = await startDockerRegistry(join(directory, 'registry'), { password: true });
    const files = {
      Dockerfile: [
        `FROM ${registry.name}/package-registry/package-registry:v1.0.0`,
        'COPY deployment/package-registry.yml /package-registry/config.yml',
        'COPY packages /packages/production',
        'RUN ./package-registry -dry-run',
        '',
      ].join('\n'),
      'deployment/package-registry.yml': 'package_paths:\n  - /packages/production\n',
      ...Object.fromEntries(packages),
    };
    await commitFiles(bare, 'production', files, { message: 'packages' });
    github = await startGitHub({
      directory: join(directory, 'github'),
      repositories: { 'acme/storage': bare },
      tokens: [{ token: TOKEN, login: 'robot' }],
    });
    const busybox = findBusybox();
    const base = makeRegistryBaseImage({ version: 'v1.0.0', ...(busybox !== undefined && { busybox }) });
    await pushImage(`http://${registry.name}`, 'package-registry/package-registry', 'v1.0.0', base, REGISTRY_USER);
    login = dockerLogin(directory, [registry.name], REGISTRY_USER);
    const config = join(directory, 'slipway.yaml');
    writeFileSync(
      config,
      `registries:\n  "${registry.name}": { plain-http: true }\nstorage:\n  image: "${registry.name}/${IMAGE}"\n`,
    );
    const checks = whyAbsent('buildah', 'unshare') === undefined ? 'changed' : 'off';
    const env = {
      ...login,
      GITHUB_API_URL: github.apiUrl,
      GITHUB_SERVER_URL: github.serverUrl,
      GITHUB_REPOSITORY: 'acme/storage',
    };
    const result = await runBundle(
      'build-distribution',
      { distribution: 'production', checks, token: TOKEN, config },
      env,
    );
    expect(result.exitCode, result.log).toBe(0);
    expect(result.outputs).toMatchObject({ result: 'built', packages: String(VERSIONS.length * 2) });
    if (checks === 'changed') expect(result.log).toContain(`${VERSIONS.length * 2} local package manifests loaded`);
    digest = result.outputs['digest'] ?? '';
    reference = `${registry.name}/${IMAGE}@${digest}`;
  });

  afterAll(async () => {
    await Promise.all([registry?.stop(), github?.close()]);
  });

  /** Compares what an engine unpacked with the branch: names, contents, modes, and who shares an inode with whom. */
  function compare(root: string): void {
    const packages = join(root, 'packages/production');
    const found = readdirSync(packages, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(packages.length + 1));
    expect(found.sort()).toEqual([...PACKAGES.keys()].sort());
    const inodes = new Map<string, Set<number>>();
    for (const [path, { content, executable }] of PACKAGES) {
      const stat = statSync(join(packages, path));
      expect(readFileSync(join(packages, path), 'utf8')).toBe(content);
      expect(stat.mode & 0o7777).toBe(executable ? 0o755 : 0o644);
      expect([stat.uid, stat.gid, stat.mtimeMs]).toEqual([0, 0, 0]);
      const group = `${path.split('/')[0]} ${executable} ${content}`;
      inodes.set(group, (inodes.get(group) ?? new Set()).add(stat.ino));
    }
    for (const [group, ids] of inodes) expect(ids.size, group).toBe(1);
  }

  const noUmoci = whyAbsent('umoci');
  it.skipIf(noUmoci !== undefined)(titled('skopeo copies it and umoci unpacks it', noUmoci), async () => {
    const layout = join(directory, 'layout');
    const args = ['--insecure-policy', 'copy', '--src-tls-verify=false', `docker://${reference}`, `oci:${layout}:it`];
    await runPeer('skopeo', args, { env: login });
    expect(readFileSync(join(layout, 'index.json'), 'utf8')).toContain(digest);
    await runPeer('umoci', ['unpack', '--image', `${layout}:it`, join(directory, 'bundle')]);
    compare(join(directory, 'bundle/rootfs'));
  });

  const noBuildah = whyAbsent('buildah');
  it.skipIf(noBuildah !== undefined)(titled('buildah mounts it', noBuildah), async () => {
    const storage = ['--root', join(directory, 'buildah'), '--runroot', join(directory, 'buildah-run')];
    const buildah = async (...args: string[]): Promise<string> => {
      const output = await runPeer('buildah', [...storage, ...args], { env: login });
      return output.trim().split('\n').at(-1) ?? '';
    };
    const authfile = join(login.DOCKER_CONFIG, 'config.json');
    const container = await buildah('from', '--quiet', '--tls-verify=false', '--authfile', authfile, reference);
    try {
      compare(await buildah('mount', container));
    } finally {
      await buildah('rm', container);
    }
  });

  const noPodman = whyAbsent('podman');
  it.skipIf(noPodman !== undefined)(titled('podman pulls and mounts it', noPodman), async () => {
    const env = { ...login, ...isolatePodman(join(directory, 'podman')) };
    const authfile = join(login.DOCKER_CONFIG, 'config.json');
    await runPeer('podman', ['pull', '--quiet', '--tls-verify=false', '--authfile', authfile, reference], { env });
    const mount = (await runPeer('podman', ['image', 'mount', reference], { env })).trim();
    try {
      compare(mount);
    } finally {
      await runPeer('podman', ['image', 'unmount', reference], { env });
    }
  });

  const noDocker = whyAbsent('docker', 'dockerd', 'tar');
  describe.skipIf(noDocker !== undefined)(titled('docker', noDocker), () => {
    let engine: Engine;

    beforeAll(async () => {
      engine = await startDockerEngine(join(directory, 'docker'));
      writeFileSync(
        join(engine.env['DOCKER_CONFIG'] ?? '', 'config.json'),
        readFileSync(join(login.DOCKER_CONFIG, 'config.json')),
      );
    });

    afterAll(() => engine?.stop());

    const docker = async (...args: string[]): Promise<string> =>
      (await runPeer('docker', args, { env: engine.env })).trim();

    /** Compares what the engine has unpacked of an image. */
    async function compareImage(image: string, name: string): Promise<void> {
      const container = await docker('create', image);
      const archive = join(directory, `${name}.tar`);
      await docker('export', '--output', archive, container);
      await docker('rm', container);
      const root = join(directory, name);
      mkdirSync(root);
      execFileSync('tar', ['xf', archive, '-C', root]);
      compare(root);
    }

    it('pulls it, and exports the same files and links', async () => {
      await docker('pull', '--quiet', reference);
      await compareImage(reference, 'export');
    });

    it('saves it, and loads the same files and links again', async () => {
      await docker('pull', '--quiet', reference);
      const id = await docker('image', 'inspect', '--format', '{{.Id}}', reference);
      const archive = join(directory, 'saved.tar');
      await docker('save', '--output', archive, id);
      await docker('image', 'rm', '--force', id);
      await expect(docker('image', 'inspect', id)).rejects.toThrow(/no such (image|object)/i);
      await docker('load', '--quiet', '--input', archive);
      expect(await docker('image', 'inspect', '--format', '{{.Id}}', id)).toBe(id);
      await compareImage(id, 'loaded');
    });
  });
});
