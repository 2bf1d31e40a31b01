import type { Runtime } from '@slipway/core/action/action';
import { warnUnlessRequired } from '@slipway/core/action/required-check';
import type { DistributionImages, StorageAccess } from '@slipway/core/action/storage-access';
import { findDistribution } from '@slipway/core/configuration/storage';
import { explainError } from '@slipway/core/errors';
import { readPullRequest } from '@slipway/core/github/pull-request';
import { findDirectPushes } from '@slipway/core/storage/direct-push';
import type { Verdict } from '@slipway/core/storage/gate';
import { GATE } from '@slipway/core/storage/gate-check';
import { formatPackageVersion } from '@slipway/core/storage/package-version';
import { type Bench, listOpen, type Pull, type Settled, settleHead, unjudged, writeChecks } from './gate-head.ts';
import type { Inputs } from './inputs.ts';
import type { Outputs } from './run.ts';

/**
 * Judges one pull request, or all that are open, and writes the check on the head of each. Those of the same head share
 * its check, so they are judged together; each head is done with before the next is begun, so that a run that is killed
 * leaves what it knew.
 *
 * One that cannot be judged keeps none of the others from it, and gets a check that says so: an earlier one may be green.
 */
export async function gate(
  { configuration, storage }: StorageAccess,
  images: DistributionImages,
  inputs: Inputs,
  runtime: Runtime,
): Promise<Outputs> {
  const settings = configuration.storage;
  const makeRequest: Bench['makeRequest'] = () => ({
    settings,
    to: inputs.to === undefined ? undefined : findDistribution(settings, inputs.to),
    openImages: () => images.repository(),
  });
  const bench: Bench = { storage, settings, makeRequest, dryRun: inputs['dry-run'], log: runtime.log };
  const asked = inputs['pull-request'] ?? runtime.event.pullRequest?.number;
  const pulls = await choosePullRequests(bench, asked, inputs, runtime);
  const settled: Settled[] = [];
  for (const ofHead of Map.groupBy(pulls, ({ headSha }) => headSha).values()) {
    settled.push(await settleHead(bench, ofHead));
  }
  const verdicts = lastOfEach(settled.flatMap((each) => each.verdicts));
  const errors = settled.flatMap((each) => each.errors);
  // A push may leave many pull requests that wait for something: their checks say so, and the push itself is none of them.
  report(verdicts, asked !== undefined, runtime);
  if (asked !== undefined) {
    for (const branch of new Set(verdicts.map(({ distribution }) => distribution))) {
      await warnUnlessRequired(storage.github, storage.name, { branch, check: GATE, appId: inputs['app-id'] }, runtime);
    }
  }
  if (asked !== undefined && errors.length > 0) throw errors[0];
  const pushes = asked === undefined ? await findDirectPushes(storage, settings, runtime.event) : [];
  for (const message of pushes) runtime.annotate({ severity: 'error', title: 'direct push', message });
  if (pushes.length > 0) runtime.fail('direct-push', pushes.join(' '));
  if (errors.length > 0) runtime.fail('not-judged', `Not all could be judged: ${errors.map(explainError).join(' ')}`);
  return {
    'pull-request': asked ?? '',
    branch: '',
    promoted: verdicts.flatMap(({ added }) => added),
    removed: verdicts.flatMap(({ removed }) => removed),
    refused: verdicts.flatMap(({ refused }) => refused),
    plan: verdicts,
    changed: settled.some(({ changed }) => changed),
  };
}

/** A pull request whose head moved while it was judged may come up with both heads. */
function lastOfEach(verdicts: readonly Verdict[]): readonly Verdict[] {
  const last = new Map(verdicts.map((verdict) => [verdict.pullRequest, verdict]));
  return [...last.values()].sort((a, b) => a.pullRequest - b.pullRequest);
}

/** Returns the pull requests that were asked for, and those that share a head with one of them. */
async function choosePullRequests(
  bench: Bench,
  asked: number | undefined,
  inputs: Inputs,
  { event }: Runtime,
): Promise<readonly Pull[]> {
  const { storage, settings } = bench;
  if (asked === undefined) {
    const base = inputs.from === undefined ? undefined : findDistribution(settings, inputs.from).name;
    const open = await listOpen(bench);
    const heads = new Set(open.filter(({ baseRef }) => (base ?? baseRef) === baseRef).map(({ headSha }) => headSha));
    return open.filter(({ headSha }) => heads.has(headSha));
  }
  try {
    const pull = await readPullRequest(storage.github, storage.name, asked);
    const others = (await listOpen(bench)).filter(
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
    runtime.fail('gate-closed', `#${wrong[0]?.pullRequest} must not be merged: ${wrong.flatMap(reasonsOf).join(' ')}`);
  }
}

function reasonsOf({ refused, problems }: Verdict): string[] {
  return [...problems, ...refused.map(({ reason }) => reason)];
}
