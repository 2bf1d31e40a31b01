import { execFile } from 'node:child_process';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { recentCapacity } from '@slipway/core/distribution/package-plan';
import { makeFileLayer } from '@slipway/sandbox/images/file-layer';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { findBusybox } from '@slipway/sandbox/images/registry-base-image';
import { composeImage } from '@slipway/sandbox/images/sample-image';
import type { DockerRegistry } from '../test/interop/docker-registry.ts';
import type { Place } from './place.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';
import {
  type AddedVersion,
  addVersions,
  BASE,
  BASE_TAG,
  IMAGE,
  makeStorage,
  REGISTRY,
  type StorageOptions,
} from './storage-generator.ts';

/** The repository's name on the sandbox's GitHub. */
export const STORAGE = 'acme/package-storage';
export const TOKEN = 'sandbox-token';

/** The distributions in the order in which they contain each other. */
export const CASCADE = ['production', 'staging', 'snapshot'] as const;

const run = promisify(execFile);

/** A storage repository on a GitHub, and a registry that has its images. */
export class StoragePlace {
  readonly repository: string;
  readonly registry: DockerRegistry;
  readonly options: StorageOptions;
  readonly #github: ServerProcess;
  /** The tags of the base image that the branches' Dockerfiles name. */
  readonly #bases: readonly string[];
  #additions = 0;

  private constructor(
    repository: string,
    registry: DockerRegistry,
    options: StorageOptions,
    github: ServerProcess,
    bases: readonly string[],
  ) {
    this.repository = repository;
    this.registry = registry;
    this.options = options;
    this.#github = github;
    this.#bases = bases;
  }

  /** Makes a repository, or takes a copy of the one at `existing`, which stays as it is. */
  static async open(place: Place, options: StorageOptions, existing?: string): Promise<StoragePlace> {
    const repository = place.fresh('storage.git');
    if (existing === undefined) {
      const made = await makeStorage(repository, options);
      console.error(`storage of ${made.versions} versions, ${made.files} files, made in ${made.seconds.toFixed(0)} s`);
    } else await run('git', ['clone', '--quiet', '--bare', '--shared', existing, repository]);
    const bases = new Set<string>();
    for (const branch of CASCADE) {
      const { stdout } = await run('git', [`--git-dir=${repository}`, 'show', `${branch}:Dockerfile`]);
      bases.add(/^ARG PACKAGE_REGISTRY=(\S+)/m.exec(stdout)?.[1] ?? BASE_TAG);
    }
    const script = join(import.meta.dirname, 'processes/github.ts');
    const github = await startServerProcess(script, place.fresh('github'), repository);
    const registry = await place.openTarget();
    const storage = new StoragePlace(repository, registry, options, github, [...bases]);
    await storage.pushBase(registry);
    return storage;
  }

  /** What a job on this GitHub has in its environment. */
  get env(): Readonly<Record<string, string>> {
    const { serverUrl = '', apiUrl = '' } = this.#github.about;
    return { GITHUB_SERVER_URL: serverUrl, GITHUB_API_URL: apiUrl, GITHUB_REPOSITORY: STORAGE };
  }

  /** The base images of the branches' Dockerfiles, without their registry. */
  get bases(): string[] {
    return this.#bases.map((tag) => `${BASE}:${tag}`);
  }

  get cloneUrl(): string {
    return `${this.#github.about['serverUrl']}/${STORAGE}`;
  }

  /** Returns the bytes that went to and from GitHub until now. */
  async countBytes(): Promise<number> {
    return Number(await (await fetch(this.#github.about['count'] ?? '')).text());
  }

  /** Commits one more package version. */
  async addVersion(branch: string): Promise<AddedVersion> {
    const [version] = await this.addVersions(branch, 1);
    if (version === undefined) throw new RangeError('nothing was added');
    return version;
  }

  /** Commits so many more package versions at once. */
  addVersions(branch: string, count: number): Promise<AddedVersion[]> {
    const counts = Array.from({ length: count }, (_, index) => this.#additions + index + 1);
    this.#additions += count;
    return addVersions(this.repository, branch, this.options, counts);
  }

  /** Commits as many versions to production as make its next build fold all recent layers, and returns how many. */
  async fillRecentLayers(): Promise<number> {
    const { stdout } = await run(
      'git',
      [`--git-dir=${this.repository}`, ...['ls-tree', '-d', '-r', '--name-only', 'production', 'packages/']],
      { maxBuffer: 2 ** 30 },
    );
    const versions = stdout.split('\n').filter((path) => path.split('/').length === 3).length;
    let count = 1;
    while (count <= recentCapacity(versions + count)) count += 1;
    await this.addVersions('production', count);
    return count;
  }

  /** Pushes the base image that the Dockerfiles name: a package registry that counts manifests, and nothing else. */
  async pushBase(registry: DockerRegistry): Promise<void> {
    const busybox = findBusybox();
    const programs = busybox && {
      'bin/busybox': { content: busybox, mode: 0o755 },
      'bin/sh': { content: '#!/bin/busybox sh\nexec /bin/busybox sh "$@"\n', mode: 0o755 },
    };
    const layer = makeFileLayer({
      ...programs,
      tmp: null,
      'package-registry/package-registry': { content: COUNT_MANIFESTS, mode: 0o755 },
      'package-registry/config.yml': 'package_paths: []\n',
    });
    const image = composeImage([layer], {
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      mediaTypes: 'oci',
      config: { Env: ['PATH=/bin'], Entrypoint: ['./package-registry'], WorkingDir: '/package-registry' },
    });
    for (const tag of this.#bases) await pushImage(`http://${registry.name}`, BASE, tag, image);
  }

  /** Writes the configuration by which names in the Dockerfiles lead to a registry, and returns its path. */
  async writeConfiguration(directory: string, registry: DockerRegistry): Promise<string> {
    await mkdir(directory, { recursive: true });
    const path = join(directory, 'slipway.yaml');
    const lines = [
      'registries:',
      `  ${REGISTRY}: { endpoint: "http://${registry.name}", plain-http: true }`,
      `storage: { repository: ${STORAGE}, image: ${REGISTRY}/${IMAGE} }`,
    ];
    await writeFile(path, `${lines.join('\n')}\n`);
    return path;
  }
}

const COUNT_MANIFESTS = `#!/bin/busybox sh
count=0
for manifest in /packages/*/*/*/manifest.yml; do
  [ -e "$manifest" ] && count=$((count + 1))
done
echo "$count package manifests"
[ "$count" -gt 0 ]
`;

/** Returns the bytes of everything that a registry keeps. */
export async function storedBytes(directory: string): Promise<number> {
  const files = await readdir(join(directory, 'data'), { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    files.flatMap((file) => (file.isFile() && file.name === 'data' ? [stat(join(file.parentPath, file.name))] : [])),
  );
  return sizes.reduce((sum, { size }) => sum + size, 0);
}
