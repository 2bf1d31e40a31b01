import { glob, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { commitFiles, createBareRepository, type SeedFile } from '@slipway/sandbox/github/seed';
import { type GitHubServer, startGitHub } from '@slipway/sandbox/github/server';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeRegistryBaseImage } from '@slipway/sandbox/images/registry-base-image';
import { startPackageRegistry } from '@slipway/sandbox/package-registry/server';
import { type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

const TOKEN = 'token-of-the-job';
export const IMAGE = 'registry/distribution';
export const BASE = 'registry/package-registry';

export let directory: string;
export let bare: string;
export let github: GitHubServer;
export let registry: RegistryServer;

/** Starts a storage repository and a registry with a base image, for one test. */
export async function setUp(): Promise<void> {
  directory = await mkdtemp(join(tmpdir(), 'build-distribution-'));
  bare = join(directory, 'storage.git');
  await createBareRepository(bare);
  registry = await startRegistry({ directory: join(directory, 'registry') });
  github = await startGitHub({
    directory: join(directory, 'github'),
    repositories: { 'acme/storage': { path: bare, private: true } },
    tokens: [{ token: TOKEN, login: 'robot' }],
  });
  await writeConfiguration();
  await pushImage(registry.url, BASE, 'v1.0.0', makeRegistryBaseImage({ version: 'v1.0.0' }));
}

export async function tearDown(): Promise<void> {
  await Promise.all([github.close(), registry.close()]);
  await rm(directory, { recursive: true, force: true });
}

export async function writeConfiguration(distributions = ''): Promise<void> {
  const lines = [
    'registries:',
    `  images.example.com: { endpoint: "${registry.url}", plain-http: true }`,
    'storage:',
    '  repository: acme/storage',
    `  image: images.example.com/${IMAGE}`,
    ...(distributions === '' ? [] : ['  distributions:', distributions]),
  ];
  await writeFile(join(directory, 'slipway.yaml'), lines.join('\n'));
}

export function build(distribution: string, texts: Record<string, string> = {}, more: NodeJS.ProcessEnv = {}) {
  const env = {
    RUNNER_TEMP: join(directory, 'work'),
    PATH: process.env['PATH'],
    DOCKER_CONFIG: join(directory, 'none'),
    ...more,
  };
  const event = { apiUrl: github.apiUrl, serverUrl: github.serverUrl, repository: 'acme/storage' };
  const runtime = recordRuntime(env, event);
  const given = { distribution, token: TOKEN, config: join(directory, 'slipway.yaml'), checks: 'off', ...texts };
  return { runtime, result: run(inputsFrom(inputs, given), runtime) };
}

export function packageFiles(
  name: string,
  version: string,
  more: Record<string, SeedFile> = {},
): Record<string, SeedFile> {
  const root = `packages/${name}/${version}`;
  const files = { 'manifest.yml': `name: ${name}\nversion: ${version}\n`, LICENSE: 'the same everywhere\n', ...more };
  return Object.fromEntries(Object.entries(files).map(([path, file]) => [`${root}/${path}`, file]));
}

export function dockerfile(distribution: string, upstreams: readonly string[]): string {
  return [
    'ARG PACKAGE_REGISTRY=v1.0.0',
    ...upstreams.map((name) => `FROM images.example.com/${IMAGE}:${name} AS ${name}`),
    `FROM images.example.com/${BASE}:\${PACKAGE_REGISTRY}`,
    'ARG PACKAGE_REGISTRY',
    'LABEL package-registry=${PACKAGE_REGISTRY}',
    ...upstreams.map((name) => `COPY --from=${name} /packages/${name} /packages/${name}`),
    'COPY deployment/package-registry.yml /package-registry/config.yml',
    `COPY packages /packages/${distribution}`,
    'WORKDIR /package-registry',
    'RUN ./package-registry -dry-run',
    'ENV EPR_DISABLE_PACKAGE_VALIDATION=true',
    '',
  ].join('\n');
}

/** Commits a distribution's branch: its own files, and what is given. */
export function commit(
  distribution: string,
  upstreams: readonly string[],
  files: Record<string, SeedFile>,
): Promise<string> {
  const paths = [...upstreams, distribution].map((name) => `  - /packages/${name}\n`).join('');
  return commitFiles(
    bare,
    distribution,
    {
      Dockerfile: dockerfile(distribution, upstreams),
      'deployment/package-registry.yml': `package_paths:\n${paths}`,
      ...files,
    },
    { message: `packages of ${distribution}`, date: new Date('2026-01-02T03:04:05Z') },
  );
}

/** Takes a blob out of the registry, as a cleaning that knew too little does. */
export async function lose(digest: string): Promise<void> {
  const hex = digest.slice('sha256:'.length);
  const found = await Array.fromAsync(glob(`**/*${hex}*`, { cwd: join(directory, 'registry') }));
  const files = found.filter((path) => path.includes('blobs'));
  if (files.length === 0) throw new Error(`the registry has no ${digest}`);
  for (const file of files) await rm(join(directory, 'registry', file), { recursive: true });
}

export interface Manifest {
  readonly mediaType: string;
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string; readonly annotations?: Record<string, string> }[];
  readonly manifests?: readonly { readonly digest: string; readonly platform: { readonly architecture: string } }[];
}

/** Returns what a tag of the distributions' images shows; undefined when there is none. */
export async function digestOf(reference: string): Promise<string | undefined> {
  return (await registry.state.manifest(IMAGE, reference))?.digest;
}

export async function manifestOf(reference: string): Promise<Manifest> {
  const found = await registry.state.manifest(IMAGE, reference);
  return JSON.parse(found?.content.toString() ?? 'null') as Manifest;
}

export interface Config {
  readonly created: string;
  readonly config: { readonly Labels: Record<string, string>; readonly Env: string[]; readonly WorkingDir: string };
}

export async function configOf(reference: string): Promise<Config> {
  const { digest } = (await manifestOf(reference)).config;
  const response = await fetch(`${registry.url}/v2/${IMAGE}/blobs/${digest}`);
  return (await response.json()) as Config;
}

export async function served(reference: string): Promise<string[]> {
  const server = await startPackageRegistry({ registry: registry.url, repository: IMAGE, reference });
  await server.close();
  return server.packages();
}

export function pushes(): number {
  return registry.requests.filter(({ method }) => method === 'PUT' || method === 'POST' || method === 'PATCH').length;
}
