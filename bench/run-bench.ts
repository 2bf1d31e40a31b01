import { messageOf } from '@slipway/core/errors';
import { buildQuietly } from '../scripts/build-quietly.ts';
import { assembleRelease } from '../scripts/release-tree.ts';
import { ARCHIVE_CASES, archiveContest } from './archive.ts';
import { type Contest, hold, type Result, type Rules } from './contest.ts';
import {
  closeBuilders,
  distributionCases,
  distributionContest,
  LARGE_SIZES,
  SIZES,
  type StorageSize,
} from './distribution.ts';
import { describeMachine, waitForQuiet } from './machine.ts';
import { MEMORY_CASES, memoryContest } from './memory.ts';
import { Place } from './place.ts';
import { writeGrowth } from './plot.ts';
import { promoteCases, promoteContest } from './promote.ts';
import { formatAmortised, formatTable, formatVerdicts, writeReport } from './report.ts';
import { whyMissing } from './skopeo.ts';
import { startCases, startContest } from './start.ts';
import { SYNC_CASES, syncContest } from './sync.ts';
import { UPLOAD_CASES, uploadContest } from './upload.ts';

export interface BenchOptions extends Rules {
  /** `sync`, `archive`, `upload`, `memory`, `start`, `distribution`, `promote`, or `all`. */
  readonly jobs: readonly string[];
  /** Only these; none is all. */
  readonly cases: readonly string[];
  /** Multiplies the size of every layer: a hundredth shows in seconds whether everything works. */
  readonly scale: number;
  /** A release tree that was assembled before; default one of the sources as they are now. */
  readonly tree?: string | undefined;
  /** Adds storage repositories of 20,000 versions, without peers. */
  readonly large: boolean;
  /** A storage repository to measure in the place of those that are made; it stays as it is. */
  readonly repository?: string | undefined;
  /** A directory for tables and plots of how the figures of distributions grow. */
  readonly plot?: string | undefined;
  /** Where to write the rows. */
  readonly json?: string | undefined;
}

type Hold = (contest: Contest) => Promise<Result>;

interface Job {
  readonly cases: readonly string[];
  /** Prepares a case and lets it be held. */
  run(name: string, hold: Hold): Promise<Result>;
}

/**
 * Measures, prints the table, and writes the file. Throws in the end when something that was measured did not do its work;
 * the other cases are measured all the same.
 */
export async function runBench(options: BenchOptions): Promise<void> {
  console.log(describeMachine());
  const missing = whyMissing('docker-registry');
  if (missing !== undefined) throw new Error(`${missing}: the registries of the bench are Debian's.`);
  const place = await openPlace(options);
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(
      signal,
      () =>
        void closeBuilders()
          .then(() => place.close())
          .finally(() => process.exit(1)),
    );
  try {
    const jobs = jobsOf(place, options);
    const plan = Object.entries(jobs).flatMap(([name, { cases, run }]) =>
      options.jobs.includes(name) || options.jobs.includes('all')
        ? cases
            .filter((wanted) => options.cases.length === 0 || options.cases.includes(wanted))
            .map((wanted) => (hold: Hold) => run(wanted, hold))
        : [],
    );
    if (plan.length === 0) throw new Error(`Nothing to measure. There are:\n${describeJobs(jobs)}`);
    if (options.wait) console.log(await waitForQuiet());
    const results: Result[] = [];
    let failed = 0;
    for (const run of plan) {
      try {
        results.push(await run((contest) => hold(contest, options)));
        // A run of an hour that is broken off has measured something.
        if (options.json !== undefined) await writeReport(options.json, results, describeMachine());
      } catch (error) {
        failed += 1;
        console.error(messageOf(error));
      }
    }
    console.log(
      `\n${formatTable(results)}\n\n${[formatVerdicts(results), formatAmortised(results)].filter(Boolean).join('\n')}`,
    );
    if (options.plot !== undefined) await writeGrowth(options.plot, results, describeMachine());
    if (failed > 0) throw new Error(`${failed} of ${plan.length} cases failed.`);
  } finally {
    await closeBuilders();
    await place.close();
  }
}

function jobsOf(place: Place, options: BenchOptions): Readonly<Record<string, Job>> {
  const { scale } = options;
  const sizes = sizesOf(options);
  return {
    sync: { cases: Object.keys(SYNC_CASES), run: (name, hold) => syncContest(place, name, hold) },
    archive: job(ARCHIVE_CASES, async (name, hold) => hold(await archiveContest(place, name))),
    upload: job(UPLOAD_CASES, async (name, hold) => hold(await uploadContest(place, name))),
    memory: job(MEMORY_CASES, (name, hold) => memoryContest(place, name, scale, hold)),
    distribution: {
      cases: distributionCases(sizes),
      run: (name, hold) => distributionContest(place, name, sizes, hold),
    },
    promote: { cases: promoteCases(sizes), run: (name, hold) => promoteContest(place, name, sizes, hold) },
    start: job(startCases(place.tree), (name, hold) => hold(startContest(place, name))),
  };
}

/** Returns the storage repositories that are measured. */
function sizesOf({ large, repository, alone }: BenchOptions): readonly StorageSize[] {
  if (repository !== undefined) return [{ label: 'repo', versions: 2000, repository, peers: !alone }];
  const sizes = large ? [...SIZES, ...LARGE_SIZES] : SIZES;
  return alone ? sizes.map((size) => ({ ...size, peers: false })) : sizes;
}

/** A job whose cases have a type of their own. */
function job<Case extends string>(cases: readonly Case[], run: (name: Case, hold: Hold) => Promise<Result>): Job {
  return {
    cases,
    run: (name, hold) => {
      const found = cases.find((known) => known === name);
      if (found === undefined) throw new Error(`There is no case ${name}.`);
      return run(found, hold);
    },
  };
}

function describeJobs(jobs: Readonly<Record<string, Job>>): string {
  return Object.entries(jobs)
    .map(([name, { cases }]) => `  ${name}: ${cases.join(', ')}`)
    .join('\n');
}

/** Opens the place; without a tree one is built and assembled there, so that builds meanwhile change nothing. */
async function openPlace({ tree, scale }: BenchOptions): Promise<Place> {
  if (tree !== undefined) return Place.open(tree, scale);
  await buildQuietly();
  const place = await Place.open(undefined, scale);
  await assembleRelease(place.tree);
  return place;
}
