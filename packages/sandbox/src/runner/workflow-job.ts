import { anySignal } from './any-signal.ts';
import { type Contexts, evaluateCondition, type Standing } from './expressions.ts';
import type { WorkflowJob } from './job-file.ts';
import { type LegEnd, runLeg } from './job-leg.ts';
import { conclude } from './job-records.ts';
import { expandStrategy, type Strategy } from './matrix.ts';
import { at, reasonOf } from './reason.ts';
import { Slots } from './slots.ts';
import { baseContexts, type JobSummary, type Scope } from './workflow-scope.ts';

/** Runs one job of a workflow with all legs of its matrix, when all that it needs has ended; never rejects. */
export async function runWorkflowJob(
  job: WorkflowJob,
  scope: Scope,
  ancestors: ReadonlyMap<string, JobSummary>,
): Promise<JobSummary> {
  const { records, options } = scope.run;
  const forced = options.previous === undefined || scope.forced || [...ancestors.values()].some(({ reran }) => reran);
  const id = [...scope.ids, job.id].join(' / ');
  if (!forced && records.wasSkipped(id)) {
    records.keep(id);
    return { result: 'skipped', outputs: {}, reran: false };
  }
  const contexts = { ...baseContexts(scope), needs: needsOf(job, ancestors) };
  const holds = (standing: Standing): boolean =>
    at(`${job.place}.if`, () => evaluateCondition(job.condition, contexts, standing));
  const standing = standingOf(ancestors);
  try {
    const cancelled = scope.cancel.aborted;
    if (!holds(cancelled ? { ...standing, success: false, cancelled } : standing)) {
      // What only the cancelling stopped is cancelled; the rest would not have run anyway.
      return recordWhole(job, scope, cancelled && standing.success ? 'cancelled' : 'skipped');
    }
    const strategy = expandStrategy(job.strategy, contexts, `${job.place}.strategy`);
    const persists = (): boolean => {
      try {
        return holds({ ...standing, success: false, cancelled: true });
      } catch {
        return false;
      }
    };
    return await runLegs(job, scope, { strategy, contexts, forced, persists });
  } catch (error) {
    return recordWhole(job, scope, 'failure', reasonOf(error));
  }
}

function needsOf(job: WorkflowJob, ancestors: ReadonlyMap<string, JobSummary>): Record<string, unknown> {
  return Object.fromEntries(
    job.needs.flatMap((id) => {
      const summary = ancestors.get(id);
      return summary === undefined ? [] : [[id, { result: summary.result, outputs: summary.outputs }] as const];
    }),
  );
}

/** All that a job needs counts, however far away: one that was skipped long before makes `success()` false. */
function standingOf(ancestors: ReadonlyMap<string, JobSummary>): Standing {
  const results = [...ancestors.values()].map(({ result }) => result);
  return {
    success: results.every((result) => result === 'success'),
    failure: results.includes('failure'),
    cancelled: false,
  };
}

interface Legs {
  readonly strategy: Strategy;
  readonly contexts: Contexts;
  readonly forced: boolean;
  /** Tells whether the job goes on when the run is cancelled. */
  persists(): boolean;
}

async function runLegs(job: WorkflowJob, scope: Scope, legs: Legs): Promise<JobSummary> {
  const { strategy, contexts, forced, persists } = legs;
  const fail = new AbortController();
  const siblings = anySignal(fail.signal);
  const slots = new Slots(strategy.maxParallel);
  const total = strategy.legs.length;
  const runOne = async (leg: Strategy['legs'][number], index: number): Promise<LegEnd> => {
    const described = {
      'fail-fast': strategy.failFast,
      'job-index': index,
      'job-total': total,
      'max-parallel': strategy.maxParallel,
    };
    const whole = { ...contexts, matrix: leg ?? null, strategy: described };
    const end = await runLeg({ job, scope, leg, contexts: whole, forced, persists, siblings, slots });
    if (end.result === 'failure' && strategy.failFast && total > 1) fail.abort();
    return end;
  };
  const ends = await Promise.all(strategy.legs.map(runOne));
  return {
    result: conclude(ends.map(({ result }) => result)),
    outputs: mergeOutputs(ends),
    reran: ends.some(({ reran }) => reran),
  };
}

/** Of several legs that set an output, the one that ended last counts; an empty one is not set. */
function mergeOutputs(ends: readonly LegEnd[]): Record<string, string> {
  const inOrder = ends.toSorted((one, other) => one.ended - other.ended);
  return Object.fromEntries(
    inOrder.flatMap(({ outputs }) => Object.entries(outputs).filter(([, value]) => value !== '')),
  );
}

/** Records a job that did not come to its legs. */
function recordWhole(
  job: WorkflowJob,
  scope: Scope,
  result: 'skipped' | 'cancelled' | 'failure',
  error?: string,
): JobSummary {
  scope.run.records.put({
    id: [...scope.ids, job.id].join(' / '),
    name: [...scope.names, job.name ?? job.id].join(' / '),
    workflow: scope.run.workflow,
    status: 'completed',
    result,
    started: new Date(),
    seconds: 0,
    steps: [],
    outputs: {},
    ...(error !== undefined && { error }),
  });
  return { result, outputs: {}, reran: true };
}
