import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceRun } from '@slipway/sandbox/actions-service/options';
import type { HostedRepository } from '@slipway/sandbox/github/hosted-repository';
import { commitFiles, type SeedFile } from '@slipway/sandbox/github/seed';
import { expect, vi } from 'vitest';
import { APP, RELEASES, REPOSITORY, STORAGE, STRANGER } from '../../scripts/demo/cast.ts';
import { readCredentials } from '../../scripts/demo/credentials.ts';
import { type Comment, GitHubClient, type PullRequest } from '../../scripts/demo/github-client.ts';
import { RELEASE_EXAMPLE } from '../../scripts/demo/release-repository.ts';
import { assembledTree } from '../assembled.ts';
import { findSecrets } from './attack-secrets.ts';
import { type ChainPlace, openChain } from './chain-place.ts';

/** Where the stranger's copies of the two repositories are. */
export const FORK = `${STRANGER.login}/compass-release`;
export const STORAGE_FORK = `${STRANGER.login}/package-storage`;

/** A collaborator who can only read. */
export const READER = { token: 'token-of-a-reader', login: 'nosy-rita' };

/** Another App with all rights that such Apps are usually given. */
export const OTHER_APP = { token: 'token-of-another-app', login: 'helpful-robot[bot]' };

export const COMMAND = '/queue working-image-pushed';

/**
 * Workflows that attacks may make fail; whatever else fails is a fault of the test. There is no image of any distribution
 * here, so that none can be built upon another.
 */
const MAY_FAIL = ['release', 'pull request', 'distribution', 'stealing'];

/** What a pull request shows. */
export interface Shown {
  readonly labels: readonly string[];
  readonly comments: readonly Comment[];
  /** The chain's own comments: the status, and answers. */
  readonly own: readonly string[];
}

/** The two repositories with their workflows at work, a stranger's forks of both, and what attackers look for. */
export class AttackPlace implements AsyncDisposable {
  readonly chain: ChainPlace;
  /** A file that does not exist unless something of an attacker's was executed. */
  readonly marker: string;
  readonly #directory: string;
  readonly #imagesAtFirst: ReadonlySet<string>;
  #packagesAtFirst: string | undefined;

  private constructor(chain: ChainPlace, place: { readonly directory: string; readonly images: readonly string[] }) {
    this.chain = chain;
    this.#directory = place.directory;
    this.#imagesAtFirst = new Set(place.images);
    this.marker = join(place.directory, 'executed');
  }

  /** Everything that runs keeps its files below one directory, artifacts too, so that they can be looked through. */
  static async open(): Promise<AttackPlace> {
    const tree = await assembledTree();
    const directory = await mkdtemp(join(tmpdir(), 'attack-'));
    vi.stubEnv('TMPDIR', directory);
    const chain = await openChain(tree);
    const place = new AttackPlace(chain, { directory, images: await listImages(chain) });
    const { github } = chain.stage.sandbox;
    await github.addRepository(REPOSITORY, { collaborators: { [READER.login]: 'read' } });
    github.addToken(READER);
    const permissions = { contents: 'write', issues: 'write', pull_requests: 'write', checks: 'write' } as const;
    github.addToken({ ...OTHER_APP, repositories: [REPOSITORY, STORAGE], permissions });
    await place.#addFork(REPOSITORY, FORK, ['main']);
    await place.#addFork(STORAGE, STORAGE_FORK, ['main', 'production']);
    place.#packagesAtFirst = (await place.repository(STORAGE).git.info('snapshot:packages'))?.oid;
    return place;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.chain[Symbol.asyncDispose]();
    vi.unstubAllEnvs();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #addFork(of: string, name: string, branches: readonly string[]): Promise<void> {
    await this.chain.stage.sandbox.github.addRepository(name, { forkOf: of });
    const [original, fork] = [this.repository(of), this.repository(name)];
    for (const branch of branches) {
      const head = await original.git.branch(branch);
      if (head === undefined) throw new Error(`${of} has no ${branch}`);
      await fork.git.fetchCommit(original.git, head);
      await fork.git.setRef(`refs/heads/${branch}`, head);
    }
  }

  /** Where the stage keeps its files: keys, repositories, what the servers hold. */
  get state(): string {
    const [state] = globSync('chain-*', { cwd: this.#directory });
    if (state === undefined) throw new Error('the stage keeps nothing');
    return join(this.#directory, state);
  }

  /** A repository as GitHub keeps it: with what its API shows to nobody, or to administrators. */
  repository(name: string): HostedRepository {
    const repository = this.chain.stage.sandbox.github.site.find(name);
    if (repository === undefined) throw new Error(`there is no repository ${name}`);
    return repository;
  }

  as({ token }: { readonly token: string }, repository: string = REPOSITORY): GitHubClient {
    return new GitHubClient(`${this.chain.stage.sandbox.github.apiUrl}/repos/${repository}`, token);
  }

  /** Pushes a branch of the stranger's fork, where nothing listens; returns the commit. */
  pushToFork(branch: string, files: Readonly<Record<string, SeedFile>>, fork = FORK, from = 'main'): Promise<string> {
    const { git, record } = this.repository(fork);
    return git.branch(from).then((parent) => {
      if (parent === undefined) throw new Error(`the fork has no ${from}`);
      return commitFiles(record.path, branch, files, { message: 'Add what is mine', parent });
    });
  }

  /** Waits until nothing runs, and returns the runs that have ended since the last time. */
  settle(): Promise<readonly ServiceRun[]> {
    return this.chain.chain.settle(MAY_FAIL);
  }

  /** Comments, and lets the workflows run; returns the run of the release that the comment has started. */
  async comment(person: { readonly token: string }, number: number, body: string): Promise<ServiceRun | undefined> {
    await this.as(person).comment(number, body);
    return (await this.settle()).find(({ name }) => name === 'release');
  }

  async open(person: { readonly token: string }, body: object): Promise<PullRequest> {
    const pull = await this.as(person).send<PullRequest>('POST', '/pulls', { base: 'main', ...body });
    await this.settle();
    return pull;
  }

  async show(number: number, repository: string = REPOSITORY): Promise<Shown> {
    const client = new GitHubClient(`${this.chain.stage.sandbox.github.apiUrl}/repos/${repository}`, READER.token);
    const labels = await client.send<{ name: string }[]>('GET', `/issues/${number}/labels`);
    const comments = await client.send<Comment[]>('GET', `/issues/${number}/comments`);
    const own = comments.filter(({ user }) => user.login === `${APP.slug}[bot]`).map(({ body }) => readEntities(body));
    return { labels: labels.map(({ name }) => name), comments, own };
  }

  /** The records of releases that are written by our App, as `state` of the check: in progress, success, failure. */
  records(sha?: string): readonly string[] {
    return this.repository(REPOSITORY)
      .record.checkRuns.filter(({ name, app }) => name === 'slipway / release' && app === APP.slug)
      .filter(({ headSha }) => sha === undefined || headSha === sha)
      .map(({ conclusion, status }) => conclusion ?? status);
  }

  /** How many requests the two registries and the object store have had. */
  requests(): number {
    const { source, target, oss } = this.chain.stage.sandbox;
    return [source, target, oss].reduce((count, server) => count + server.requests.length, 0);
  }

  /** Nothing is in the release registry or the object store, half-way or whole; nothing is done, nothing registered. */
  async expectNothingReleased(): Promise<void> {
    const { oss, target } = this.chain.stage.sandbox;
    expect((await listImages(this.chain)).filter((image) => !this.#imagesAtFirst.has(image))).toEqual([]);
    expect(await target.state.uploads()).toEqual([]);
    expect((await oss.objects('acme-release')).map(({ key }) => key)).toEqual([]);
    expect(await oss.uploads('acme-release')).toEqual([]);
    expect(this.records()).not.toContain('success');
    const { git } = this.repository(STORAGE);
    expect((await git.info('snapshot:packages'))?.oid).toBe(this.#packagesAtFirst);
  }

  /** Nothing of an attacker's ran, and nothing that is secret stands where somebody can read it. */
  expectNothingLeaked(): void {
    expect(existsSync(this.marker), 'something was executed').toBe(false);
    const { sandbox, workflows } = this.chain.stage;
    const { username, password } = readCredentials(sandbox.environment['DOCKER_CONFIG'] ?? '');
    const secrets = findSecrets(sandbox, { state: this.state, username, password });
    const readable = this.#readable(workflows.runs);
    const leaks = secrets.flatMap((secret) =>
      // Backwards as well: what is masked forwards is not masked then.
      readable
        .filter(({ text }) => [secret, reverse(secret)].some((each) => text.includes(each)))
        .map(({ where }) => `${secret.slice(0, 12)}… in ${where}`),
    );
    expect(leaks).toEqual([]);
  }

  #readable(runs: readonly ServiceRun[]): readonly { readonly where: string; readonly text: string }[] {
    const repositories = [REPOSITORY, STORAGE].map((name) => {
      const { issues, comments, checkRuns, labels, reviews } = this.repository(name).record;
      return { where: name, text: JSON.stringify({ issues, comments, checkRuns, labels, reviews }) };
    });
    const artifacts = globSync('slipway-artifacts-*/**/*', { cwd: this.#directory, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => ({ where: path, text: readFileSync(path, 'latin1') }));
    return [
      ...repositories,
      ...artifacts,
      ...runs.map(({ id, results }) => ({ where: `run ${id}`, text: JSON.stringify(results) })),
      { where: 'the log', text: this.chain.lines.join('\n') },
    ];
  }
}

/** The file of a plugin as the demo's pull request has it. */
export function pluginText(plugin: (typeof RELEASES)[number]['plugin']): string {
  const { from = '', to = '' } = RELEASES.find((release) => release.plugin === plugin) ?? {};
  return readFileSync(join(RELEASE_EXAMPLE, `release-plugins/${plugin}.yaml`), 'utf8').replaceAll(from, to);
}

/** What a reader sees of text in which every sign that could mean something is written as an entity. */
function readEntities(text: string): string {
  return text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}

const reverse = (text: string): string => [...text].reverse().join('');

/** Everything in the target registry. */
async function listImages({ stage }: ChainPlace): Promise<string[]> {
  const { state } = stage.sandbox.target;
  const images: string[] = [];
  for (const repository of await state.repositories()) {
    images.push(repository, ...(await state.tags(repository)).map((tag) => `${repository}:${tag}`));
  }
  return images;
}

/** The outputs of a step of a run. */
export function outputsOfStep(run: ServiceRun | undefined, id: string): Readonly<Record<string, string>> {
  const steps = run?.results.flatMap((job) => job.steps) ?? [];
  return steps.find((step) => step.id === id)?.outputs ?? {};
}

/** Names of the jobs of a run that were not skipped. */
export function jobsOf(run: ServiceRun | undefined): string[] {
  return run?.results.filter(({ result }) => result !== 'skipped').map(({ name }) => name) ?? [];
}
