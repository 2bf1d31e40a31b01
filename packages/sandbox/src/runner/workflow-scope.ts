import { anySignal } from './any-signal.ts';
import { evaluateConcurrency } from './concurrency-file.ts';
import { type Contexts, evaluateText } from './expressions.ts';
import type { WorkflowJob } from './job-file.ts';
import { ancestorsOf } from './job-graph.ts';
import { conclude, type JobRecords } from './job-records.ts';
import type { Verdict } from './job-state.ts';
import { at } from './reason.ts';
import type { LoadedWorkflow } from './reusable.ts';
import type { WorkflowRunOptions } from './run-options.ts';
import type { Slots } from './slots.ts';

type Texts = Readonly<Record<string, string>>;

/** What all jobs of a run share. */
export interface Run {
  readonly options: WorkflowRunOptions;
  /** The name of the workflow that was started. */
  readonly workflow: string;
  readonly records: JobRecords;
  readonly machines: Slots;
  readonly artifacts: string;
  /** Runs one job of a workflow when all that it needs has ended; never rejects. */
  runJob(job: WorkflowJob, scope: Scope, ancestors: ReadonlyMap<string, JobSummary>): Promise<JobSummary>;
}

/** One workflow in a run: the one that was started, or one that a job calls. */
export interface Scope {
  readonly run: Run;
  readonly workflow: LoadedWorkflow;
  /** The calling jobs, outermost first. */
  readonly ids: readonly string[];
  readonly names: readonly string[];
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly secrets: Texts;
  readonly cancel: AbortSignal;
  /** True when something that the calling job needs has run again, so that nothing here can be kept. */
  readonly forced: boolean;
  /** The concurrency groups that those around this workflow are in. */
  readonly held: ReadonlySet<string>;
}

/** How a job ended for those that need it. */
export interface JobSummary {
  readonly result: Verdict;
  readonly outputs: Texts;
  /** False when everything of it was kept from the previous attempt. */
  readonly reran: boolean;
}

/** How a workflow ended, or why it could not begin. */
export type ScopeEnd = JobSummary | { readonly refused: string };

/** Returns the contexts that every expression of a workflow can name. */
export function baseContexts({
  run,
  inputs,
}: Scope): Contexts & { readonly github: Readonly<Record<string, unknown>> } {
  const { github, vars = {} } = run.options;
  return { github: { ...github, workflow: run.workflow }, inputs, vars };
}

/** Runs all jobs of a workflow, each as soon as those that it needs have ended. */
export async function runScope(scope: Scope): Promise<ScopeEnd> {
  const { concurrency } = scope.workflow.file;
  if (concurrency === undefined) return runJobs(scope);
  return inGroup(evaluateConcurrency(concurrency, baseContexts(scope)), scope, (inner) => runJobs(inner));
}

/** Runs `work` in a concurrency group; what it gets can be cancelled by others in the group. */
export async function inGroup<T>(
  concurrency: ReturnType<typeof evaluateConcurrency>,
  scope: Scope,
  work: (scope: Scope) => Promise<T>,
): Promise<T | { readonly refused: string }> {
  const { options } = scope.run;
  const repository = String(options.github['repository'] ?? '');
  const key = concurrency.group.toLowerCase();
  if (scope.held.has(key) && !concurrency.cancelInProgress) {
    const group = `concurrency group '${concurrency.group}'`;
    return { refused: `Canceling since a deadlock for ${group} was detected: whoever calls this is in it` };
  }
  const abort = new AbortController();
  const entry = await options.concurrency.enter(repository, concurrency, () => abort.abort(), scope.cancel);
  if (!entry.entered) return { refused: entry.reason };
  try {
    return await work({
      ...scope,
      cancel: anySignal(scope.cancel, abort.signal),
      held: new Set([...scope.held, key]),
    });
  } finally {
    entry.leave();
  }
}

async function runJobs(scope: Scope): Promise<JobSummary> {
  const { jobs, call } = scope.workflow.file;
  const running = new Map<string, Promise<JobSummary>>();
  for (const job of jobs.values()) {
    const needed = [...ancestorsOf(jobs, job.id)];
    const begin = async (): Promise<JobSummary> => {
      const ended = await Promise.all(needed.map((id) => running.get(id)));
      const ancestors = needed.flatMap((id, index) => {
        const summary = ended[index];
        return summary === undefined ? [] : [[id, summary] as const];
      });
      return scope.run.runJob(job, scope, new Map(ancestors));
    };
    running.set(job.id, begin());
  }
  const summaries = await Promise.all([...running].map(async ([id, end]) => [id, await end] as const));
  const all = summaries.map(([, summary]) => summary);
  return {
    result: conclude(all.map(({ result }) => result)),
    outputs: readOutputs(scope.ids.length === 0 ? {} : (call?.outputs ?? {}), scope, Object.fromEntries(summaries)),
    reran: all.some(({ reran }) => reran),
  };
}

function readOutputs(outputs: Texts, scope: Scope, jobs: Readonly<Record<string, JobSummary>>): Texts {
  const ended = Object.entries(jobs).map(([id, { result, outputs: said }]) => [id, { result, outputs: said }] as const);
  const contexts = { ...baseContexts(scope), jobs: Object.fromEntries(ended) };
  return Object.fromEntries(
    Object.entries(outputs).map(([name, template]) => {
      const place = `${scope.workflow.file.path}: on.workflow_call.outputs.${name}`;
      return [name, at(place, () => evaluateText(template, contexts))];
    }),
  );
}
