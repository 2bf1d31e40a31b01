import type { Runtime } from '@slipway/core/action/action';
import type { DistributionImages, StorageAccess } from '@slipway/core/action/storage-access';
import { findDistribution } from '@slipway/core/configuration/storage';
import { messageOf } from '@slipway/core/errors';
import { writeCheckRun } from '@slipway/core/github/check-run';
import { listOpenPullRequests, type PullRequest, readPullRequest } from '@slipway/core/github/pull-request';
import { type GateRequest, judgePullRequest, type Verdict } from '@slipway/core/storage/gate';
import { gateCheck } from '@slipway/core/storage/gate-check';
import { formatPackageVersion } from '@slipway/core/storage/package-version';
import type { StorageRepository } from '@slipway/core/storage/storage-repository';
import type { Inputs } from './inputs.ts';
import type { Outputs } from './run.ts';

/** What has been judged, and the error that kept it from being judged to the end. */
interface Judged {
  readonly verdict: Verdict;
  readonly error?: unknown;
}

/**
 * Judges one pull request, or all that are open, and writes the check on the head of each. Those of the same head share
 * its check, so they are judged together.
 *
 * One that cannot be judged keeps none of the others from it, and gets a check that says so: an earlier one may be green.
 */
export async function gate(
  access: StorageAccess,
  images: DistributionImages,
  inputs: Inputs,
  runtime: Runtime,
): Promise<Outputs> {
  const { configuration, storage } = access;
  const settings = configuration.storage;
  const makeRequest = (): GateRequest => ({
    settings,
    to: inputs.to === undefined ? undefined : findDistribution(settings, inputs.to),
    openImages: () => images.repository(),
  });
  const asked = inputs['pull-request'] ?? runtime.event.pullRequest?.number;
  const judged: Judged[] = [];
  for (const pull of await choosePullRequests(access, asked, inputs, runtime)) {
    const result = await judge(storage, pull, makeRequest);
    if (result === undefined) runtime.log.info(`#${pull.number} is to no distribution: there is nothing to judge.`);
    else judged.push(result);
  }
  const verdicts = judged.map(({ verdict }) => verdict);
  const written = inputs['dry-run'] ? { changed: false, errors: [] } : await writeChecks(storage, verdicts);
  const errors = [...judged.flatMap(({ error }) => (error === undefined ? [] : [error])), ...written.errors];
  // A push may leave many pull requests that wait for something: their checks say so, and the push itself is none of them.
  report(verdicts, asked !== undefined, runtime);
  if (asked !== undefined && errors.length > 0) throw errors[0];
  if (errors.length > 0) runtime.fail(`Not all could be judged: ${errors.map(messageOf).join(' ')}`);
  return {
    'pull-request': asked ?? '',
    branch: '',
    promoted: verdicts.flatMap(({ added }) => added),
    removed: verdicts.flatMap(({ removed }) => removed),
    refused: verdicts.flatMap(({ refused }) => refused),
    plan: verdicts,
    changed: written.changed,
  };
}

/** A pull request as far as it must be known to say that it could not be judged. */
type Pull = Pick<PullRequest, 'number' | 'baseRef' | 'headSha'>;

/** Returns the pull requests that were asked for, and those that share a head with one of them. */
async function choosePullRequests(
  access: StorageAccess,
  asked: number | undefined,
  inputs: Inputs,
  { event }: Runtime,
): Promise<readonly Pull[]> {
  const { configuration, storage } = access;
  const settings = configuration.storage;
  if (asked === undefined) {
    const base = inputs.from === undefined ? undefined : findDistribution(settings, inputs.from).name;
    const open = await listOpen(access);
    const heads = new Set(open.filter(({ baseRef }) => (base ?? baseRef) === baseRef).map(({ headSha }) => headSha));
    return open.filter(({ headSha }) => heads.has(headSha));
  }
  try {
    const pull = await readPullRequest(storage.github, storage.name, asked);
    const others = (await listOpen(access)).filter(
      ({ number, headSha }) => number !== asked && headSha === pull.headSha,
    );
    return [pull, ...others];
  } catch (error) {
    // The event knows the head as well, and its check must not stay green.
    const known = event.pullRequest?.number === asked ? event.pullRequest : undefined;
    const isJudged = known !== undefined && settings.distributions.some(({ name }) => name === known.baseRef);
    if (isJudged && !inputs['dry-run']) await writeChecks(storage, [unjudged(known, error)]);
    throw error;
  }
}

async function listOpen({ configuration, storage }: StorageAccess): Promise<readonly PullRequest[]> {
  const open: PullRequest[] = [];
  for (const { name } of configuration.storage.distributions) {
    open.push(...(await listOpenPullRequests(storage.github, storage.name, name)));
  }
  return open.sort((a, b) => a.number - b.number);
}

async function judge(
  storage: StorageRepository,
  pull: Pull,
  makeRequest: () => GateRequest,
): Promise<Judged | undefined> {
  try {
    const verdict = await judgePullRequest(storage, pull.number, makeRequest());
    return verdict && { verdict };
  } catch (error) {
    const { github, name } = storage;
    const now = await readPullRequest(github, name, pull.number).catch(() => pull);
    return { verdict: unjudged(now, error), error };
  }
}

/** A check that is missing may be green from before: what could not be judged must not be merged either. */
function unjudged({ number, baseRef, headSha }: Pull, error: unknown): Verdict {
  const problems = [`could not be judged: ${messageOf(error)}`];
  return { pullRequest: number, distribution: baseRef, headSha, added: [], removed: [], refused: [], problems };
}

/** Writes one check on each head; one that cannot be written keeps none of the others from it. */
async function writeChecks(
  { github, name }: StorageRepository,
  verdicts: readonly Verdict[],
): Promise<{ changed: boolean; errors: readonly unknown[] }> {
  const errors: unknown[] = [];
  let changed = false;
  for (const [headSha, ofHead] of Map.groupBy(verdicts, (verdict) => verdict.headSha)) {
    try {
      changed = (await writeCheckRun(github, name, gateCheck(headSha, ofHead))) || changed;
    } catch (error) {
      errors.push(error);
    }
  }
  return { changed, errors };
}

function report(verdicts: readonly Verdict[], fails: boolean, runtime: Runtime): void {
  const { log, summary } = runtime;
  summary.heading('Promotion gate');
  const rows = verdicts.map((verdict) => {
    const reasons = reasonsOf(verdict);
    const { pullRequest, distribution, added, removed } = verdict;
    log.info(`#${pullRequest}: ${reasons.length === 0 ? 'nothing disappears' : reasons.join(' ')}`);
    for (const message of fails ? reasons : []) {
      runtime.annotate({ severity: 'error', title: `#${pullRequest}`, message });
    }
    return [
      `#${pullRequest}`,
      distribution,
      added.map(formatPackageVersion).join(', '),
      removed.map(formatPackageVersion).join(', '),
      reasons.join('\n') || 'may be merged',
    ];
  });
  summary.table(['pull request', 'distribution', 'added', 'removed', 'verdict'], rows);
  const wrong = verdicts.filter((verdict) => reasonsOf(verdict).length > 0);
  if (fails && wrong.length > 0) {
    runtime.fail(`#${wrong[0]?.pullRequest} must not be merged: ${wrong.flatMap(reasonsOf).join(' ')}`);
  }
}

function reasonsOf({ refused, problems }: Verdict): string[] {
  return [...problems, ...refused.map(({ reason }) => reason)];
}
