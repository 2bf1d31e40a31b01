import { createHash } from 'node:crypto';
import { connectAliOss } from '@slipway/sandbox/oss/ali-oss-client';
import { APP, MAINTAINER } from '../../scripts/demo/cast.ts';
import type { Comment, GitHubClient, PullRequest } from '../../scripts/demo/github-client.ts';
import type { Stage } from '../../scripts/demo/stage.ts';
import type { ChainPlace } from './chain-place.ts';

/** What a release leaves behind. */
export interface ReleaseEnd {
  /** `repository:tag` to digest, of every image that was released. */
  readonly images: Readonly<Record<string, string>>;
  /** Key to sha256 of the bytes. */
  readonly objects: Readonly<Record<string, string>>;
  /** Uploads to the object store that nobody has finished. */
  readonly unfinished: readonly string[];
  /** What the check run on the head says, without times and runs; undefined when there is none. */
  readonly record: unknown;
  readonly labels: readonly string[];
  /** The comments that other tools read addresses from, word for word. */
  readonly uploadComments: readonly string[];
  /** The status comments, word for word; one is right. */
  readonly statusComments: readonly string[];
  /** Name of each check on the head to its newest conclusion. */
  readonly checks: Readonly<Record<string, string>>;
}

const BUCKET = 'acme-release';
const BOT = `${APP.slug}[bot]`;
const RECORD = 'slipway / release';

/** Reads what the release of a pull request has left behind. */
export async function readReleaseEnd(place: ChainPlace, pullRequest: number): Promise<ReleaseEnd> {
  const client = place.release(MAINTAINER);
  const { head, labels } = await client.send<PullRequest & { readonly labels: readonly { name: string }[] }>(
    'GET',
    `/pulls/${pullRequest}`,
  );
  const runs = await readCheckRuns(client, head.sha);
  const comments = await client.send<Comment[]>('GET', `/issues/${pullRequest}/comments?per_page=100`);
  const own = comments.filter(({ user }) => user.login === BOT).map(({ body }) => body);
  return {
    images: await readImages(place.stage),
    objects: await readObjects(place.stage),
    unfinished: (await place.stage.sandbox.oss.uploads(BUCKET)).map(({ key }) => key),
    record: readRecord(runs),
    labels: labels.map(({ name }) => name).sort(),
    uploadComments: own.filter((body) => body.startsWith('packages uploaded to')),
    statusComments: own.filter((body) => body.startsWith('<!-- slipway: status -->')),
    // Oldest first, so that the newest of a name stays.
    checks: Object.fromEntries(runs.map(({ name, conclusion }) => [name, conclusion ?? 'pending'])),
  };
}

/** Returns the tags of everything but the storage side's own images. */
async function readImages({ sandbox: { target } }: Stage): Promise<Record<string, string>> {
  const images: [string, string][] = [];
  for (const repository of await target.state.repositories()) {
    if (repository.startsWith('package-registry/')) continue;
    for (const tag of await target.state.tags(repository)) {
      const manifest = await target.state.manifest(repository, tag);
      images.push([`${repository}:${tag}`, manifest?.digest ?? 'no manifest']);
    }
  }
  return Object.fromEntries(images.sort());
}

async function readObjects({ sandbox }: Stage): Promise<Record<string, string>> {
  const { configuration, environment, oss } = sandbox;
  const client = connectAliOss({
    accessKeyId: environment['OSS_ACCESS_KEY_ID'] ?? '',
    accessKeySecret: environment['OSS_ACCESS_KEY_SECRET'] ?? '',
    region: configuration.oss.region,
    endpoint: configuration.oss.endpoint,
    bucket: BUCKET,
    authorizationV4: true,
  });
  const objects: [string, string][] = [];
  for (const { key } of await oss.objects(BUCKET)) {
    const { content } = await client.get(key);
    objects.push([key, createHash('sha256').update(content).digest('hex')]);
  }
  return Object.fromEntries(objects);
}

interface CheckRun {
  readonly id: number;
  readonly name: string;
  readonly conclusion: string | null;
  readonly app: { readonly id: number };
  readonly output: { readonly text: string | null };
}

/** Returns every check run on a commit, oldest first. */
async function readCheckRuns(client: GitHubClient, commit: string): Promise<CheckRun[]> {
  const path = `/commits/${commit}/check-runs?filter=all&per_page=100`;
  const { check_runs: runs } = await client.send<{ check_runs: CheckRun[] }>('GET', path);
  return runs.toSorted((one, other) => one.id - other.id);
}

/** Keeps of a record what a release that was killed must have in common with one that was not. */
function readRecord(runs: readonly CheckRun[]): unknown {
  const run = runs.findLast(({ name, app }) => name === RECORD && app.id === APP.id);
  const json = /^```json\n(.*)\n```\s*$/s.exec(run?.output.text ?? '')?.[1];
  if (json === undefined) return undefined;
  const {
    run: _run,
    comment: _comment,
    sweptAt: _sweptAt,
    at: _at,
    ...kept
  } = JSON.parse(json) as Record<string, unknown>;
  return kept;
}
