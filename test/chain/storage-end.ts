import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { unpackImage } from '@slipway/sandbox/package-registry/unpack-image';
import { load } from 'js-yaml';
import { DISTRIBUTIONS, MAINTAINER, STORAGE } from '../../scripts/demo/cast.ts';
import { deploymentOf, NAMESPACE } from '../../scripts/demo/cluster-stage.ts';
import { readCredentials } from '../../scripts/demo/credentials.ts';
import type { GitHubClient } from '../../scripts/demo/github-client.ts';
import type { Stage } from '../../scripts/demo/stage.ts';
import type { ChainPlace } from './chain-place.ts';

/** What registering, building, rolling out and removing leave behind. */
export interface StorageEnd {
  /** One line a pull request: state, base, title, verdict of the gate. */
  readonly pulls: readonly string[];
  readonly distributions: Readonly<Record<string, DistributionEnd>>;
}

interface DistributionEnd {
  /** Titles of the branch's commits, newest first: nothing is committed twice. */
  readonly commits: readonly string[];
  /** Package versions on the branch to their tree ids. */
  readonly trees: Readonly<Record<string, string>>;
  /** Tags of the distribution's commits, each as so many commits behind the head. */
  readonly tags: readonly string[];
  /** Package versions in the image under the distribution's tag. */
  readonly packages: readonly string[];
  /** Whether that image was built from the head of the branch. */
  readonly isOfHead: boolean;
  /** Whether it is what every pod runs. */
  readonly isRunning: boolean;
  /** What the package registry answers. */
  readonly served: readonly string[];
}

interface Commit {
  readonly sha: string;
  readonly title: string;
}

const IMAGES = 'package-registry/distribution';
const GATE = 'slipway / gate';

/** Reads what the chain has left behind in the storage repository, the registry and the cluster. */
export async function readStorageEnd({ stage, storage }: ChainPlace): Promise<StorageEnd> {
  const client = storage(MAINTAINER);
  const urls = await readRegistryUrls(client);
  const distributions: [string, DistributionEnd][] = [];
  for (const name of DISTRIBUTIONS) {
    const commits = await readCommits(stage, name);
    distributions.push([
      name,
      {
        commits: commits.map(({ title }) => title),
        trees: await readTrees(client, name),
        ...(await readImage(stage, name, commits)),
        served: await readServed(urls[name] ?? ''),
      },
    ]);
  }
  return { pulls: await readPulls(client), distributions: Object.fromEntries(distributions) };
}

/** Where the package registries are today: the stage writes that into the repository's configuration. */
async function readRegistryUrls(client: GitHubClient): Promise<Record<string, string>> {
  const path = '/contents/.github/slipway.yaml?ref=main';
  const { content } = await client.send<{ content: string }>('GET', path);
  const { storage } = load(Buffer.from(content, 'base64').toString('utf8')) as {
    storage: { distributions: Record<string, { url: string }> };
  };
  return Object.fromEntries(Object.entries(storage.distributions).map(([name, { url }]) => [name, url]));
}

/** Reads the history where it is kept: GitHub's own list of commits is none of the sandbox's pages. */
async function readCommits({ sandbox: { github } }: Stage, branch: string): Promise<Commit[]> {
  const directory = github.repositoryPath(STORAGE);
  const { stdout } = await promisify(execFile)('git', ['-C', directory, 'log', '--format=%H %s', branch]);
  const lines = stdout.trim().split('\n');
  return lines.map((line) => ({ sha: line.slice(0, 40), title: line.slice(41) }));
}

async function readTrees(client: GitHubClient, branch: string): Promise<Record<string, string>> {
  const { tree } = await client.send<{ tree: { path: string; sha: string }[] }>(
    'GET',
    `/git/trees/${branch}?recursive=1`,
  );
  const versions = tree.flatMap(({ path, sha }) => {
    const [, name, version] = /^packages\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    return name === undefined ? [] : [[`${name}-${version}`, sha] as const];
  });
  return Object.fromEntries(versions);
}

async function readImage(
  { sandbox: { target, environment, cluster } }: Stage,
  name: string,
  commits: readonly Commit[],
): Promise<Pick<DistributionEnd, 'tags' | 'packages' | 'isOfHead' | 'isRunning'>> {
  const source = {
    registry: target.url,
    repository: IMAGES,
    credentials: readCredentials(environment['DOCKER_CONFIG'] ?? ''),
  };
  const { files, digest } = await unpackImage(source, name);
  const versions = [...files.keys()].flatMap((path) => /^\/packages\/(.+)\/manifest\.yml$/.exec(path)?.[1] ?? []);
  const tags: string[] = [];
  const ofHead: (string | undefined)[] = [];
  for (const tag of await target.state.tags(IMAGES)) {
    const behind = commits.findIndex(({ sha }) => tag.startsWith(sha));
    if (behind < 0) continue;
    // What follows the commit is a hash of the images below, which have the times of their commits in them.
    tags.push(`~${behind}${tag.includes('-') ? '-…' : ''}`);
    if (behind === 0) ofHead.push((await target.state.manifest(IMAGES, tag))?.digest);
  }
  const pods = cluster.pods(NAMESPACE).filter(({ metadata }) => metadata.name.startsWith(`${deploymentOf(name)}-`));
  const running = pods.map(({ status }) => status.containerStatuses?.[0]?.imageID.split('@')[1]);
  return {
    tags: tags.sort(),
    packages: versions.sort(),
    isOfHead: ofHead.includes(digest),
    isRunning: running.length > 0 && running.every((image) => image === digest),
  };
}

async function readServed(url: string): Promise<string[]> {
  const answer = await fetch(`${url}/search?all=true&prerelease=true`);
  const served = (await answer.json()) as { name: string; version: string }[];
  return served.map(({ name, version }) => `${name}-${version}`).sort();
}

/** Returns a line for each pull request there has ever been, oldest first. */
async function readPulls(client: GitHubClient): Promise<string[]> {
  const pulls = await client.send<
    { number: number; title: string; state: string; merged_at: string | null; base: { ref: string }; head: Head }[]
  >('GET', '/pulls?state=all&per_page=100');
  const lines: string[] = [];
  for (const { title, state, merged_at: merged, base, head } of pulls.toSorted((one, two) => one.number - two.number)) {
    const path = `/commits/${head.sha}/check-runs?check_name=${encodeURIComponent(GATE)}&filter=all&per_page=100`;
    const { check_runs: runs } = await client.send<{ check_runs: Verdict[] }>('GET', path);
    const verdict = runs.toSorted((one, two) => two.id - one.id)[0]?.conclusion ?? 'not judged';
    lines.push([merged === null ? state : 'merged', base.ref, title, verdict].join(' · '));
  }
  return lines;
}

interface Head {
  readonly sha: string;
}

interface Verdict {
  readonly id: number;
  readonly conclusion: string | null;
}
