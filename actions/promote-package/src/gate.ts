import type { Runtime } from '@slipway/core/action/action';
import type { DistributionImages, StorageAccess } from '@slipway/core/action/storage-access';
import { findDistribution } from '@slipway/core/configuration/storage';
import { writeCheckRun } from '@slipway/core/github/check-run';
import { listOpenPullRequests } from '@slipway/core/github/pull-request';
import { judgePullRequest, type Verdict } from '@slipway/core/storage/gate';
import { gateCheck } from '@slipway/core/storage/gate-check';
import { formatPackageVersion } from '@slipway/core/storage/package-version';
import type { Inputs } from './inputs.ts';
import type { Outputs } from './run.ts';

/** Judges one pull request, or all that are open, and writes the check on the head of each. */
export async function gate(
  access: StorageAccess,
  images: DistributionImages,
  inputs: Inputs,
  runtime: Runtime,
): Promise<Outputs> {
  const { configuration, storage } = access;
  const settings = configuration.storage;
  const request = {
    settings,
    to: inputs.to === undefined ? undefined : findDistribution(settings, inputs.to),
    openImages: () => images.repository(),
  };
  const asked = inputs['pull-request'] ?? runtime.event.pullRequest?.number;
  const verdicts: Verdict[] = [];
  let changed = false;
  for (const number of asked === undefined ? await listOpen(access, inputs) : [asked]) {
    const verdict = await judgePullRequest(storage, number, request);
    if (verdict === undefined) {
      runtime.log.info(`#${number} is to no distribution: there is nothing to judge.`);
      continue;
    }
    verdicts.push(verdict);
    if (!inputs['dry-run'])
      changed = (await writeCheckRun(storage.github, storage.name, gateCheck(verdict))) || changed;
  }
  // A push may leave many pull requests that wait for something: their checks say so, and the push itself is none of them.
  report(verdicts, asked !== undefined, runtime);
  return {
    'pull-request': asked ?? '',
    branch: '',
    promoted: verdicts.flatMap(({ added }) => added),
    removed: verdicts.flatMap(({ removed }) => removed),
    refused: verdicts.flatMap(({ refused }) => refused),
    plan: verdicts,
    changed,
  };
}

async function listOpen({ configuration, storage }: StorageAccess, inputs: Inputs): Promise<number[]> {
  const settings = configuration.storage;
  const bases = inputs.from === undefined ? settings.distributions : [findDistribution(settings, inputs.from)];
  const numbers: number[] = [];
  for (const { name } of bases) {
    const open = await listOpenPullRequests(storage.github, storage.name, name);
    numbers.push(...open.map(({ number }) => number));
  }
  return numbers.sort((a, b) => a - b);
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
