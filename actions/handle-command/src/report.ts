import type { Runtime } from '@slipway/core/action/action';
import type { Package } from '@slipway/core/archive/package';
import { ConfigurationError } from '@slipway/core/errors';
import { readPullRequestNow } from '@slipway/core/github/pull-request-now';
import {
  PUSHED_AWAY,
  type ReleaseRecord,
  readReleaseRecord,
  type StoredRelease,
  writeReleaseRecord,
} from '@slipway/core/pull-request/release-record';
import { complainAboutPackage } from './check-package.ts';
import { type Context, need, openContext, readBase, readDefault, WRITER } from './context.ts';
import type { Inputs } from './inputs.ts';
import { makeOutputs, type Outputs } from './outputs.ts';
import { readPackagesDirectory } from './packages-directory.ts';
import { formatNames } from './release.ts';
import { showRelease } from './show-release.ts';

/**
 * Says what became of a release: completes its check, and shows where the packages are. What is reported twice is said
 * once, so whatever is killed here is healed by another report.
 */
export async function report(inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  const number = need(inputs, 'pull-request');
  const commit = need(inputs, 'commit');
  const packages = await givenPackages(inputs);
  const context = await openContext(WRITER, inputs, runtime);
  const { github, repository, self } = context;
  const stored = await readReleaseRecord(github, repository, { commit, pullRequest: number }, self);
  if (stored === undefined || stored.record.pullRequest !== number) {
    throw new ConfigurationError(
      'no-release',
      `Nothing says that ${commit} of #${number} was to be released, so there is nothing to report.`,
    );
  }
  const pull = await readPullRequestNow(github, repository, number);
  const { configuration } = await readBase(context, await readDefault(context));
  const complaints: string[] = [];
  const accepted = packages.filter((item) => {
    const complaint = complainAboutPackage(item, stored.record, configuration);
    if (complaint !== undefined) complaints.push(complaint);
    return complaint === undefined;
  });
  const { run } = runtime.event;
  const isOwn = run === undefined || stored.record.run === undefined || stored.record.run.id === run.id;
  const record = conclude(stored.record, { packages: accepted, complaints, hasFailed: inputs.failed, isOwn });
  await writeRecord(context, stored, record);
  await showRelease(context, pull, record);
  return describe(context, record);
}

async function givenPackages(inputs: Inputs): Promise<readonly Package[]> {
  const { packages, 'packages-directory': directory } = inputs;
  if (packages !== undefined && directory !== undefined) {
    throw new ConfigurationError(
      'conflicting-inputs',
      "inputs 'packages' and 'packages-directory' say the same; give one.",
    );
  }
  return directory === undefined ? (packages ?? []) : readPackagesDirectory(directory);
}

interface Reported {
  readonly packages: readonly Package[];
  /** What is wrong with others that were given. */
  readonly complaints: readonly string[];
  readonly hasFailed: boolean;
  /** Whether the run that reports is the one that the record was left to. */
  readonly isOwn: boolean;
}

/** Returns the record with these packages; it is done when each plugin has its own. */
function conclude(record: ReleaseRecord, { packages, complaints, hasFailed, isOwn }: Reported): ReleaseRecord {
  const merged = record.plugins.flatMap(
    ({ plugin }) =>
      packages.find((item) => item.plugin === plugin) ?? record.packages.find((item) => item.plugin === plugin) ?? [],
  );
  const lacking = record.plugins.filter(({ plugin }) => !merged.some((item) => item.plugin === plugin));
  const { problem, withdrawnBy, withdrawnIn: _, ...rest } = record;
  const isWhole = lacking.length === 0 && complaints.length === 0;
  // What is released stays so: a job that was late, or ran once more for nothing, takes nothing back.
  if (isWhole && (!hasFailed || record.state === 'done')) return { ...rest, state: 'done', packages: merged };
  if (record.state === 'done') return record;
  // The release was commanded again meanwhile, and another run goes on with it: it is not this one's to fail.
  if (!isOwn) return { ...record, packages: merged };
  const reasons = [
    ...complaints,
    ...lacking.map(({ plugin, version }) => `${plugin} ${version} is not uploaded.`),
    ...(hasFailed ? ['A job of the release failed or was cancelled.'] : []),
  ];
  // Why it was stopped on purpose is still why, whatever a job has left undone since.
  const isStopped = withdrawnBy !== undefined || problem === PUSHED_AWAY;
  const why = isStopped && problem !== undefined ? problem : reasons.join(' ').slice(0, 2000);
  return { ...record, state: 'failed', packages: merged, problem: why };
}

async function writeRecord(
  { github, repository, doings }: Context,
  stored: StoredRelease,
  record: ReleaseRecord,
): Promise<void> {
  if (JSON.stringify(record) === JSON.stringify(stored.record)) return;
  await doings.do(`record the release as ${record.state}`, () =>
    writeReleaseRecord(github, repository, { ...record, at: new Date().toISOString() }, stored),
  );
}

function describe({ doings, runtime }: Context, record: ReleaseRecord): Outputs {
  const { summary, log } = runtime;
  const isDone = record.state === 'done';
  const again = 'Re-run the workflow, or comment /queue working-image-pushed; only what is missing is done.';
  const reason = isDone
    ? `${formatNames(record)} is released.`
    : record.state === 'intent'
      ? 'The release is not finished, and another run of the workflow goes on with it.'
      : `The release is not finished: ${record.problem ?? ''} ${again}`;
  summary.heading(isDone ? 'Released' : 'Not released').paragraph(reason);
  summary.table(
    ['plugin', 'version', 'package', 'sha256'],
    record.packages.map(({ plugin, version, uri = '', sha256 }) => [plugin, version, `\`${uri}\``, `\`${sha256}\``]),
  );
  log.info(reason);
  if (!isDone) runtime.fail('release-unfinished', reason);
  return makeOutputs(isDone ? 'updated' : 'refused', reason, {
    'pull-request': record.pullRequest,
    commit: record.commit,
    packages: record.packages,
    overwrite: record.overwrite === true,
    'release-reason': record.reason ?? '',
    plan: doings.plan,
    changed: doings.changed,
  });
}
