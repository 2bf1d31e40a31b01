import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { commitFiles, type SeedFile } from '../github/seed.ts';
import { type GitHubServer, startGitHub } from '../github/server.ts';
import { pushImage } from '../images/push-image.ts';
import { makeImage, type SampleImage } from '../images/sample-image.ts';
import { makeIndex } from '../images/sample-index.ts';
import { type RegistryServer, startRegistry } from '../registry/server.ts';

const runGit = promisify(execFile);

/** What a GitHub answered to a call. */
export type Answer = Readonly<Record<string, unknown>>;

/**
 * A storage repository on a GitHub of its own, with the registry of its images: everything that tests of the storage side
 * need to set the scene and to look at what has become of it.
 */
export class StorageFixture {
  readonly repository = 'acme/package-storage';
  readonly #directory: string;
  readonly github: GitHubServer;
  readonly registry: RegistryServer;

  private constructor(directory: string, github: GitHubServer, registry: RegistryServer) {
    this.#directory = directory;
    this.github = github;
    this.registry = registry;
  }

  static async start(): Promise<StorageFixture> {
    const directory = await mkdtemp(join(tmpdir(), 'storage-'));
    const repositories = { 'acme/package-storage': null };
    const github = await startGitHub({ directory: join(directory, 'github'), repositories });
    const registry = await startRegistry({ directory: join(directory, 'registry') });
    return new StorageFixture(directory, github, registry);
  }

  async close(): Promise<void> {
    await Promise.all([this.github.close(), this.registry.close()]);
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** Where the bare repository is. */
  get path(): string {
    return this.github.repositoryPath(this.repository);
  }

  /** A configuration that says where the images are; more lines may follow `storage:`. */
  configuration(more = ''): string {
    return [
      'registries:',
      `  registry.example.com: { endpoint: "${this.registry.url}", plain-http: true }`,
      'storage:',
      '  image: registry.example.com/distribution',
      more,
    ].join('\n');
  }

  commit(
    branch: string,
    files: Readonly<Record<string, SeedFile>>,
    parent?: string | null,
    message = 'x',
  ): Promise<string> {
    return commitFiles(this.path, branch, files, { message, ...(parent !== undefined && { parent }) });
  }

  /** Runs git in the bare repository and returns what it says. */
  async git(...parameters: string[]): Promise<string> {
    const { stdout } = await runGit('git', ['-C', this.path, ...parameters], { maxBuffer: 64 * 1024 * 1024 });
    return stdout.trim();
  }

  /** Returns the root that git itself makes of a commit and some directories: with an index and a work tree of its own. */
  async graft(commit: string, trees: Readonly<Record<string, string | null>>): Promise<string> {
    const workTree = await mkdtemp(join(this.#directory, 'work-'));
    const env = {
      ...process.env,
      GIT_DIR: this.path,
      GIT_WORK_TREE: workTree,
      GIT_INDEX_FILE: join(workTree, '.index'),
    };
    const git = (...parameters: string[]) => runGit('git', parameters, { env, cwd: workTree });
    await git('read-tree', commit);
    await git('checkout-index', '--all');
    for (const [directory, tree] of Object.entries(trees)) {
      await git('rm', '-r', '--force', '--quiet', '--ignore-unmatch', '--', directory);
      if (tree === null) continue;
      await git('read-tree', `--prefix=${directory}/`, tree);
      await git('checkout-index', '--all', '--force');
    }
    return (await git('write-tree')).stdout.trim();
  }

  /** Returns the id of what a revision names: a branch, a commit, `staging:packages/foo`. */
  id(revision: string): Promise<string> {
    return this.git('rev-parse', '--verify', revision);
  }

  /** Lists the package versions on a branch, `foo/1.2.3`. */
  async packages(branch: string): Promise<string[]> {
    const listing = await this.git('ls-tree', '-d', '-r', '--name-only', branch, '--', 'packages/');
    return listing
      .split('\n')
      .filter((path) => path.split('/').length === 3)
      .map((path) => path.slice('packages/'.length));
  }

  /** Publishes an image of a distribution that says it was built from `revision`. */
  async publish(tag: string, revision: string | undefined): Promise<void> {
    await pushImage(this.registry.url, 'distribution', tag, await imageOf(revision, 'amd64'));
  }

  /** Publishes an image of several platforms, each of which says what it was built from. */
  async publishIndex(tag: string, revisions: readonly [string, string]): Promise<void> {
    const images = [await imageOf(revisions[0], 'amd64'), await imageOf(revisions[1], 'arm64')];
    await pushImage(this.registry.url, 'distribution', tag, makeIndex(images));
  }

  /** Asks the GitHub as somebody with every right; throws for an answer that is a refusal. */
  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.github.apiUrl}/repos/${this.repository}/${path}`, {
      method,
      headers: { authorization: 'Bearer sandbox-token' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Answer;
  }

  /** Opens a pull request and returns its number. */
  async openPullRequest(head: string, base: string, title: string): Promise<number> {
    const { number } = await this.call('POST', 'pulls', { title, head, base, body: '' });
    return Number(number);
  }

  async merge(number: number, method: 'merge' | 'squash' = 'squash'): Promise<void> {
    await this.call('PUT', `pulls/${number}/merge`, { merge_method: method });
  }
}

function imageOf(revision: string | undefined, architecture: string): Promise<SampleImage> {
  return makeImage({
    seed: `${revision} ${architecture}`,
    architecture,
    os: 'linux',
    mediaTypes: 'oci',
    layers: [{ size: 1000 }],
    config: { Labels: revision === undefined ? {} : { 'org.opencontainers.image.revision': revision } },
  });
}

/** Returns the files of a package version, with an executable among them; `marker` makes its content another one. */
export function packageFiles(name: string, version: string, marker = ''): Record<string, SeedFile> {
  const directory = `packages/${name}/${version}`;
  return {
    [`${directory}/manifest.yml`]: `format_version: 1.0.0\nname: ${name}\nversion: ${version}\n`,
    [`${directory}/docs/README.md`]: `# ${name} ${version}\n${marker}`,
    [`${directory}/bin/run.sh`]: { content: '#!/bin/sh\n', executable: true },
  };
}
