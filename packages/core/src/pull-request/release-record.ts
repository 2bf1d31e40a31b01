import { type Package, parsePackage } from '../archive/package.ts';
import { ConfigurationError } from '../errors.ts';
import { createCheckRun, listCheckRuns, type StoredCheckRun, updateCheckRun } from '../github/check-run.ts';
import type { GitHub } from '../github/connect.ts';
import { type Plugin, parsePlugin } from '../plugin/plugin.ts';
import { isRecord } from '../util/record.ts';
import { describeRelease } from './release-page.ts';

/** The name of the check that holds the state of a release, and that is made required. */
export const RELEASE_CHECK = 'slipway / release';

/** Marks the runs that hold a record: jobs make runs of check too, and one may be called the same. */
const EXTERNAL_ID = 'slipway-release';

/** GitHub's limit of a check run's text, in bytes; https://docs.github.com/rest/checks/runs#create-a-check-run. */
const LIMIT = 65_535;

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
  /** When a sweep last started it again, ISO 8601. */
  readonly sweptAt?: string;
  /** When it was last written, ISO 8601. */
  readonly at: string;
}

/** A record, and the check run that holds it. */
export interface StoredRelease {
  readonly id: number;
  readonly record: ReleaseRecord;
}

/**
 * Reads the record on a commit; undefined when there is none. `self` is the login as which it was written, or the
 * id of the App: what another App wrote is not looked at, whatever it says.
 *
 * Throws a ConfigurationError when the newest one that is ours cannot be read: an older one must not hold in its place.
 */
export async function readReleaseRecord(
  github: GitHub,
  repository: string,
  commit: string,
  self: string,
): Promise<StoredRelease | undefined> {
  const runs = await listCheckRuns(github, repository, commit, RELEASE_CHECK);
  const run = runs.find(
    ({ author, appIds, externalId }) => (author === self || appIds.includes(self)) && externalId === EXTERNAL_ID,
  );
  if (run === undefined) return undefined;
  const record = parseRecord(run);
  if (record?.commit === commit && stateOf(run) === record.state) return { id: run.id, record };
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
    externalId: EXTERNAL_ID,
    conclusion: { intent: undefined, done: 'success', failed: 'failure' }[record.state] as
      | 'success'
      | 'failure'
      | undefined,
    ...describeRelease(record),
    text: formatRecord(record),
  };
  if (stored === undefined || (record.state === 'intent' && stored.record.state !== 'intent')) {
    const check = { name: RELEASE_CHECK, headSha: record.commit };
    return { id: await createCheckRun(github, repository, check, content), record };
  }
  await updateCheckRun(github, repository, stored.id, content);
  return { id: stored.id, record };
}

function formatRecord(record: ReleaseRecord): string {
  const text = `\`\`\`json\n${JSON.stringify(record)}\n\`\`\`\n`;
  const bytes = Buffer.byteLength(text);
  if (bytes <= LIMIT) return text;
  throw new ConfigurationError(
    'release-too-large',
    `What the release of pull request #${record.pullRequest} binds takes ${bytes} bytes, and a check run holds ${LIMIT}. ` +
      'Split the pull request: fewer plugins, or fewer images, in each.',
  );
}

function stateOf({ status, conclusion }: StoredCheckRun): ReleaseState | undefined {
  if (status !== 'completed') return 'intent';
  return conclusion === 'success' ? 'done' : conclusion === 'failure' ? 'failed' : undefined;
}

/** Returns the record in the text of a check run; undefined when it is none. */
function parseRecord({ text }: StoredCheckRun): ReleaseRecord | undefined {
  const json = /^```json\n(.*)\n```\s*$/s.exec(text.replaceAll('\r\n', '\n'))?.[1];
  if (json === undefined) return undefined;
  try {
    return asRecord(JSON.parse(json));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ConfigurationError) return undefined;
    throw error;
  }
}

function asRecord(value: unknown): ReleaseRecord | undefined {
  if (!isRecord(value) || value['version'] !== 1) return undefined;
  const { state, pullRequest, commit, by, approvedBy, plugins, packages, run, comment, at } = value;
  const { overwrite } = value;
  const reason = optionalText(value['reason']);
  const problem = optionalText(value['problem']);
  const withdrawnBy = optionalText(value['withdrawnBy']);
  const sweptAt = optionalText(value['sweptAt']);
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
    ...(sweptAt !== undefined && { sweptAt }),
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
