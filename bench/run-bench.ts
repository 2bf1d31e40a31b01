import { messageOf } from '@slipway/core/errors';
import { buildQuietly } from '../scripts/build-quietly.ts';
import { assembleRelease } from '../scripts/release-tree.ts';
import { ARCHIVE_CASES, archiveContest } from './archive.ts';
import { type Contest, hold, type Result, type Rules } from './contest.ts';
import { describeMachine, waitForQuiet } from './machine.ts';
import { MEMORY_CASES, memoryContest } from './memory.ts';
import { Place } from './place.ts';
import { formatTable, formatVerdicts, writeReport } from './report.ts';
import { whyMissing } from './skopeo.ts';
import { startCases, startContest } from './start.ts';
import { SYNC_CASES, syncContest } from './sync.ts';
import { UPLOAD_CASES, uploadContest } from './upload.ts';

export interface BenchOptions extends Rules {
  /** `sync`, `archive`, `upload`, `memory`, `start`, or `all`. */
  readonly jobs: readonly string[];
  /** Only these; none is all. */
  readonly cases: readonly string[];
  /** Multiplies the size of every layer: a hundredth shows in seconds whether everything works. */
  readonly scale: number;
  /** A release tree that was assembled before; default one of the sources as they are now. */
  readonly tree?: string | undefined;
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
    process.once(signal, () => void place.close().finally(() => process.exit(1)));
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
      } catch (error) {
        failed += 1;
        console.error(messageOf(error));
      }
    }
    console.log(`\n${formatTable(results)}\n\n${formatVerdicts(results)}`);
    if (options.json !== undefined) await writeReport(options.json, results, describeMachine());
    if (failed > 0) throw new Error(`${failed} of ${plan.length} cases failed.`);
  } finally {
    await place.close();
  }
}

function jobsOf(place: Place, { scale }: BenchOptions): Readonly<Record<string, Job>> {
  return {
    sync: { cases: Object.keys(SYNC_CASES), run: (name, hold) => syncContest(place, name, hold) },
    archive: job(ARCHIVE_CASES, async (name, hold) => hold(await archiveContest(place, name))),
    upload: job(UPLOAD_CASES, async (name, hold) => hold(await uploadContest(place, name))),
    memory: job(MEMORY_CASES, (name, hold) => memoryContest(place, name, scale, hold)),
    start: job(startCases(place.tree), (name, hold) => hold(startContest(place, name))),
  };
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
