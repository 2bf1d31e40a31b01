import { anySignal } from './any-signal.ts';
import { callInputs, callSecrets } from './call.ts';
import { evaluateConcurrency } from './concurrency-file.ts';
import { type Contexts, evaluateText } from './expressions.ts';
import type { CallJob, WorkflowJob } from './job-file.ts';
import type { Verdict } from './job-state.ts';
import { legSuffix, type MatrixLeg } from './matrix.ts';
import { at, reasonOf } from './reason.ts';
import type { JobRecord } from './run-options.ts';
import { runStepsJob } from './run-steps-job.ts';
import type { Slots } from './slots.ts';
import { inGroup, type JobSummary, runScope, type Scope, type ScopeEnd } from './workflow-scope.ts';

/** One leg of a job's matrix, or the whole job when it has none. */
export interface Leg {
  readonly job: WorkflowJob;
  readonly scope: Scope;
  readonly leg: MatrixLeg | undefined;
  /** Everything that keys of a job can name, besides `secrets`. */
  readonly contexts: Contexts;
  /** False: a leg that ended well in the previous attempt is kept. */
  readonly forced: boolean;
  /** Tells whether the job goes on when the run is cancelled. */
  persists(): boolean;
  /** Aborted when another leg has failed and no leg shall go on. */
  readonly siblings: AbortSignal;
  /** The places of `max-parallel`. */
  readonly slots: Slots;
}

export interface LegEnd extends JobSummary {
  /** Orders the legs by their ends. */
  readonly ended: number;
}

/** Runs one leg. */
export async function runLeg(given: Leg): Promise<LegEnd> {
  const { job, scope, forced, siblings, slots } = given;
  const { records } = scope.run;
  const id = [...scope.ids, `${job.id}${legSuffix(given.leg)}`].join(' / ');
  const kept = job.kind === 'steps' && !forced ? records.keep(id) : undefined;
  if (kept !== undefined) {
    return { result: kept.result ?? 'success', outputs: kept.outputs, reran: false, ended: endOf(kept) };
  }
  const queued: JobRecord = {
    id,
    name: [...scope.names, job.name ?? job.id].join(' / '),
    workflow: scope.run.workflow,
    status: 'queued',
    started: new Date(),
    seconds: 0,
    steps: [],
    outputs: {},
  };
  const finish = (result: Verdict, error: string, record = queued): LegEnd => {
    records.put({ ...record, status: 'completed', result, error });
    return { result, outputs: {}, reran: true, ended: Date.now() };
  };
  try {
    const record = { ...queued, name: [...scope.names, nameOf(given)].join(' / ') };
    const settled = job.kind === 'call' && !forced && records.isSettledBelow(id);
    if (job.kind === 'steps') records.put(record);
    const cancel = cancelOf(given);
    const work = (inner: Scope): Promise<ScopeEnd> =>
      job.kind === 'call'
        ? runCall(job, given, inner)
        : runStepsJob({ job, record, scope: inner, contexts: given.contexts });
    const begin = (): Promise<ScopeEnd> =>
      job.concurrency === undefined || settled
        ? work({ ...scope, cancel })
        : inGroup(evaluateConcurrency(job.concurrency, given.contexts), { ...scope, cancel }, work);
    // A call comes to its jobs even when the run is cancelled: each of them decides for itself.
    const end = await slots.run(job.kind === 'call' ? siblings : cancel, begin);
    if (end === undefined) return finish('cancelled', 'The operation was canceled.', record);
    return 'refused' in end ? finish('cancelled', end.refused, record) : { ...end, ended: Date.now() };
  } catch (error) {
    return finish('failure', reasonOf(error));
  }
}

/** A call hands the cancelling on to the called jobs, each of which decides by its own condition. */
function cancelOf({ job, scope, siblings, persists }: Leg): AbortSignal {
  const own = new AbortController();
  const onCancel = (): void => {
    if (!persists()) own.abort();
  };
  if (scope.cancel.aborted) onCancel();
  else scope.cancel.addEventListener('abort', onCancel, { once: true });
  return anySignal(job.kind === 'call' ? scope.cancel : own.signal, siblings);
}

function endOf({ started, seconds }: JobRecord): number {
  return started.getTime() + seconds * 1000;
}

/** GitHub puts the values of the matrix behind a name that does not speak of them itself. */
function nameOf({ job, leg, contexts }: Leg): string {
  const template = job.name ?? job.id;
  if (!template.includes('${{')) return `${template}${legSuffix(leg)}`;
  return at(`${job.place}.name`, () => evaluateText(template, contexts));
}

function runCall(job: CallJob, given: Leg, scope: Scope): Promise<ScopeEnd> {
  const { leg, contexts, forced } = given;
  const workflow = scope.workflow.calls.get(job.id);
  const call = workflow?.file.call;
  if (workflow === undefined || call === undefined) throw new Error(`${job.place}.uses was not read`);
  return runScope({
    ...scope,
    workflow,
    ids: [...scope.ids, `${job.id}${legSuffix(leg)}`],
    names: [...scope.names, nameOf(given)],
    inputs: callInputs(job, call, contexts),
    secrets: callSecrets(job, call, contexts, scope.secrets),
    forced,
  });
}
