import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { commitFiles, createBareRepository } from '@slipway/sandbox/github/seed';
import { type GitHubServer, startGitHub } from '@slipway/sandbox/github/server';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { findBusybox, makeRegistryBaseImage } from '@slipway/sandbox/images/registry-base-image';
import { startPackageRegistry } from '@slipway/sandbox/package-registry/server';
import { type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

const extract = join(import.meta.dirname, '../../../..', 'shared/data/package-storage');
const absent = !existsSync(extract);
const IMAGE = 'package-registry/distribution';
const ORDER = ['production', 'staging', 'snapshot'] as const;

describe.skipIf(absent)(`a real storage repository${absent ? ' (skipped: the extract is absent)' : ''}`, () => {
  let directory: string;
  let registry: RegistryServer;
  let github: GitHubServer;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'real-dockerfiles-'));
    const bare = join(directory, 'storage.git');
    await createBareRepository(bare);
    for (const distribution of ORDER)
      await commitFiles(bare, distribution, filesOf(distribution), { message: 'extract' });
    registry = await startRegistry({ directory: join(directory, 'registry') });
    github = await startGitHub({ directory: join(directory, 'github'), repositories: { 'acme/storage': bare } });
    const busybox = findBusybox();
    const base = makeRegistryBaseImage({ version: 'v1.15.0', ...(busybox !== undefined && { busybox }) });
    await pushImage(registry.url, 'package-registry/package-registry', 'v1.15.0', base);
    const configuration = {
      registries: { 'docker.elastic.co': { endpoint: registry.url, 'plain-http': true } },
      storage: {
        image: `docker.elastic.co/${IMAGE}`,
        distributions: {
          production: { tag: 'production-old', layers: 24 },
          staging: { upstream: ['production'], layers: 4 },
          snapshot: { upstream: ['production', 'staging'], layers: 8 },
        },
      },
    };
    await writeFile(join(directory, 'slipway.yaml'), JSON.stringify(configuration));
  });

  afterAll(async () => {
    await Promise.all([registry?.close(), github?.close()]);
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });

  it('builds from its own Dockerfiles, unchanged, and is served as its branches say', async () => {
    for (const distribution of ORDER) {
      const { findings } = await build(distribution);
      // Their LABEL uses an ARG that holds for FROM alone.
      expect(findings.filter(({ rule }) => rule !== 'package-shadowed').map(({ rule }) => rule)).toEqual([
        'dockerfile-variable',
      ]);
    }
    const expected = new Map<string, string>();
    for (const distribution of ORDER) {
      for (const manifest of globSync('packages/*/*/manifest.yml', { cwd: join(extract, distribution) })) {
        const [, name = '', version = ''] = manifest.split('/');
        const key = `${name}-${version}`;
        if (!expected.has(key)) expected.set(key, readFileSync(join(extract, distribution, manifest), 'utf8'));
      }
    }
    const server = await startPackageRegistry({ registry: registry.url, repository: IMAGE, reference: 'snapshot' });
    try {
      expect(server.packages().sort()).toEqual([...expected.keys()].sort());
      for (const { path } of (await (await fetch(`${server.url}/search?all=true&prerelease=true`)).json()) as {
        path: string;
      }[]) {
        const [name = '', version = ''] = path.split('/').slice(2);
        expect(await (await fetch(`${server.url}${path}/manifest.yml`)).text()).toBe(
          expected.get(`${name}-${version}`),
        );
      }
    } finally {
      await server.close();
    }
    expect((await build('snapshot')).result).toBe('unchanged');
  });

  function build(distribution: string) {
    const env = { RUNNER_TEMP: join(directory, 'work'), PATH: process.env['PATH'], DOCKER_CONFIG: directory };
    const event = { apiUrl: github.apiUrl, serverUrl: github.serverUrl, repository: 'acme/storage' };
    const texts = { distribution, token: 'sandbox-token', config: join(directory, 'slipway.yaml'), checks: 'off' };
    return run(inputsFrom(inputs, texts), recordRuntime(env, event));
  }
});

function filesOf(distribution: string): Record<string, Buffer> {
  const root = join(extract, distribution);
  const files = globSync('**/*', { cwd: root }).filter((path) => statSync(join(root, path)).isFile());
  return Object.fromEntries(files.map((path) => [path, readFileSync(join(root, path))]));
}
