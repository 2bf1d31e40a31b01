import { type Package, parsePackage } from '../archive/package.ts';
import { ConfigurationError } from '../errors.ts';
import { createCheckRun, listCheckRuns, type StoredCheckRun, updateCheckRun } from '../github/check-run.ts';
import type { GitHub } from '../github/connect.ts';
import { type Plugin, parsePlugin } from '../plugin/plugin.ts';
import { isRecord } from '../util/record.ts';
import { describeRelease } from './release-page.ts';
import { formatRecord, parseRecordText } from './release-text.ts';

/** The name of the check that holds the state of a release, and that is made required. */
export const RELEASE_CHECK = 'slipway / release';

/**
 * Marks the runs that hold a record: jobs make runs of check too, and one may be called the same. The number of the pull
 * request follows, because anybody can open another one of the same commit.
 */
const EXTERNAL_ID = 'slipway-release/';

/** Why a release stopped whose commit is not the head any more. */
export const PUSHED_AWAY = 'the pull request was pushed to';

/** `intent`: to be released. `done`: all packages are uploaded. `failed`: stopped, for the reason that is kept. */
export type ReleaseState = 'intent' | 'done' | 'failed';

/**
 * What is released, at which commit and who wanted it: the only state that a release has outside of the stores.
 *
 * It lives in a check run on the head commit, which nobody but the App that made it can change; a comment could be edited
 * by others, and labels be set by them.
 */
export interface ReleaseRecord {
  readonly version: 1;
  readonly state: ReleaseState;
  readonly pullRequest: number;
  readonly commit: string;
  /** Login of whoever commanded the release. */
  readonly by: string;
  /** Logins of those whose approval of this commit it rests on. */
  readonly approvedBy: readonly string[];
  /** Why it was released by hand. */
  readonly reason?: string;
  /** Whether it may replace what exists with other content. */
  readonly overwrite?: boolean;
  /** What is bound: each with its blob, and its images with their digests. */
  readonly plugins: readonly Plugin[];
  /** Those that are uploaded. */
  readonly packages: readonly Package[];
  /** The run of the workflow that works on it. */
  readonly run?: { readonly id: number; readonly attempt: number };
  /** Id of the status comment. */
  readonly comment?: number;
  /** Why it stopped; only with the state `failed`. */
  readonly problem?: string;
  /** Login of whoever withdrew it: what it bound is bound no more, and is not taken up again. */
  readonly withdrawnBy?: string;
  /** Id of the comment that withdrew it: no command before that one holds any more. */
  readonly withdrawnIn?: number;
  /** When it was last written, ISO 8601. */
  readonly at: string;
}

/** A record, and the check run that holds it. */
export interface StoredRelease {
  readonly id: number;
  readonly record: ReleaseRecord;
  /** Whether GitHub has closed it because nothing happened for two weeks: what follows goes into a new one. */
  readonly isStale?: true;
}

/** A pull request at one commit. */
export interface ReleasePlace {
  readonly commit: string;
  readonly pullRequest: number;
}

/**
 * Reads the record of a pull request on a commit; undefined when there is none. `self` is the login as which it was written, or the
 * id of the App: what another App wrote is not looked at, whatever it says.
 *
 * Throws a ConfigurationError when the newest one that is ours cannot be read: an older one must not hold in its place.
 */
export async function readReleaseRecord(
  github: GitHub,
  repository: string,
  { commit, pullRequest }: ReleasePlace,
  self: string,
): Promise<StoredRelease | undefined> {
  const runs = await listRecordRuns(github, repository, commit, self);
  const run = runs.find((each) => numberOf(each) === pullRequest);
  return run && readRun(run, repository, { commit, pullRequest });
}

/** Reads the record of each pull request that has one on a commit, the newest first. */
export async function listReleaseRecords(
  github: GitHub,
  repository: string,
  commit: string,
  self: string,
): Promise<StoredRelease[]> {
  const runs = await listRecordRuns(github, repository, commit, self);
  const newest = [...Map.groupBy(runs, numberOf)].flatMap(([pullRequest, [run]]) =>
    run ? [{ pullRequest, run }] : [],
  );
  return newest.map(({ pullRequest, run }) => readRun(run, repository, { commit, pullRequest }));
}

async function listRecordRuns(
  github: GitHub,
  repository: string,
  commit: string,
  self: string,
): Promise<StoredCheckRun[]> {
  const runs = await listCheckRuns(github, repository, commit, RELEASE_CHECK);
  return runs.filter(
    ({ author, appIds, externalId }) =>
      (author === self || appIds.includes(self)) && externalId.startsWith(EXTERNAL_ID),
  );
}

function numberOf({ externalId }: StoredCheckRun): number {
  return Number(externalId.slice(EXTERNAL_ID.length));
}

function readRun(run: StoredCheckRun, repository: string, { commit, pullRequest }: ReleasePlace): StoredRelease {
  const record = parseRecord(run);
  const isOfPlace = record?.commit === commit && record.pullRequest === pullRequest;
  const isStale = run.conclusion === 'stale';
  if (isOfPlace && stateOf(run) === record.state) return { id: run.id, record, ...(isStale && { isStale }) };
  throw new ConfigurationError(
    'release-record',
    `The check run ${run.id} '${RELEASE_CHECK}' on ${commit} of ${repository} holds no release record that can be read. ` +
      'Push an empty commit to the pull request, and ask for the release again.',
  );
}

/**
 * Writes a record and returns where it is now. A check run that is completed stays so: a release that is taken up again
 * gets a new one, everything else goes into the one that was `stored`.
 */
export async function writeReleaseRecord(
  github: GitHub,
  repository: string,
  record: ReleaseRecord,
  stored: StoredRelease | undefined,
): Promise<StoredRelease> {
  const content = {
    externalId: `${EXTERNAL_ID}${record.pullRequest}`,
    conclusion: { intent: undefined, done: 'success', failed: 'failure' }[record.state] as
      | 'success'
      | 'failure'
      | undefined,
    ...describeRelease(record),
    text: formatRecord(record),
  };
  const isOver = stored?.isStale === true || (record.state === 'intent' && stored?.record.state !== 'intent');
  if (stored === undefined || isOver) {
    const check = { name: RELEASE_CHECK, headSha: record.commit };
    return { id: await createCheckRun(github, repository, check, content), record };
  }
  await updateCheckRun(github, repository, stored.id, content);
  return { id: stored.id, record };
}

/** GitHub calls a run stale that was left alone for two weeks before it was completed. */
function stateOf({ status, conclusion }: StoredCheckRun): ReleaseState | undefined {
  if (status !== 'completed' || conclusion === 'stale') return 'intent';
  return conclusion === 'success' ? 'done' : conclusion === 'failure' ? 'failed' : undefined;
}

/** Returns the record in the text of a check run; undefined when it is none. */
function parseRecord({ text }: StoredCheckRun): ReleaseRecord | undefined {
  try {
    return asRecord(parseRecordText(text));
  } catch (error) {
    if (error instanceof ConfigurationError) return undefined;
    throw error;
  }
}

function asRecord(value: unknown): ReleaseRecord | undefined {
  if (!isRecord(value) || value['version'] !== 1) return undefined;
  const { state, pullRequest, commit, by, approvedBy, plugins, packages, run, comment, withdrawnIn, at } = value;
  const { overwrite } = value;
  const reason = optionalText(value['reason']);
  const problem = optionalText(value['problem']);
  const withdrawnBy = optionalText(value['withdrawnBy']);
  if (state !== 'intent' && state !== 'done' && state !== 'failed') return undefined;
  if (!isId(pullRequest) || typeof commit !== 'string' || typeof by !== 'string' || typeof at !== 'string') {
    return undefined;
  }
  if (!isTexts(approvedBy) || !Array.isArray(plugins) || !Array.isArray(packages)) return undefined;
  const place = isRecord(run) && isId(run['id']) && isId(run['attempt']) ? run : undefined;
  return {
    version: 1,
    state,
    pullRequest,
    commit,
    by,
    approvedBy,
    ...(reason !== undefined && { reason }),
    ...(overwrite === true && { overwrite: true }),
    plugins: plugins.map((plugin: unknown) => parsePlugin(plugin, RELEASE_CHECK)),
    packages: packages.map((item: unknown) => parsePackage(item, RELEASE_CHECK)),
    ...(place !== undefined && { run: { id: Number(place['id']), attempt: Number(place['attempt']) } }),
    ...(isId(comment) && { comment }),
    ...(problem !== undefined && { problem }),
    ...(withdrawnBy !== undefined && { withdrawnBy }),
    ...(isId(withdrawnIn) && { withdrawnIn }),
    at,
  };
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function optionalText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
