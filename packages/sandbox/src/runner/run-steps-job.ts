import { TOKEN_TO_COME } from './call.ts';
import { executeJob } from './execute-job.ts';
import { type Contexts, evaluateText, evaluateValue } from './expressions.ts';
import type { StepsJob } from './job-file.ts';
import { at } from './reason.ts';
import type { JobGrant, JobRecord, JobRequest } from './run-options.ts';
import type { StepResult } from './run-step.ts';
import { baseContexts, type JobSummary, type Scope } from './workflow-scope.ts';
import { asTextList } from './yaml-value.ts';

/** A job with steps whose turn has come. */
export interface StepsJobRun {
  readonly job: StepsJob;
  /** How it stands in the records: queued. */
  readonly record: JobRecord;
  /** With what can cancel this job. */
  readonly scope: Scope;
  /** Everything that keys of a job can name, besides `secrets`. */
  readonly contexts: Contexts;
}

/** Runs a job on the next machine that is free, with a token of its own, and records it. */
export async function runStepsJob(given: StepsJobRun): Promise<JobSummary | { readonly refused: string }> {
  const { job, scope, contexts } = given;
  const end = await scope.run.machines.run(scope.cancel, async () => {
    const request = requestOf(given);
    const grant = await scope.run.options.openJob(request);
    try {
      return await runGranted(given, request, grant);
    } finally {
      await grant.close();
    }
  });
  if (end === undefined) return { refused: 'The operation was canceled.' };
  // After the token has died: who is told that a job has ended can rely on that.
  scope.run.records.put(end);
  const softens = at(`${job.place}.continue-on-error`, () => evaluateText(job.continueOnError, contexts)) === 'true';
  const { result = 'failure', outputs } = end;
  return { result: softens && result === 'failure' ? 'success' : result, outputs, reran: true };
}

function requestOf({ job, record, scope, contexts }: StepsJobRun): JobRequest {
  const { environment } = job;
  const runsOn = at(`${job.place}.runs-on`, () => evaluateValue(job.runsOn, contexts));
  const name =
    environment === undefined
      ? undefined
      : at(`${job.place}.environment`, () => evaluateText(environment, contexts)) || undefined;
  return {
    id: record.id,
    name: record.name,
    permissions: scope.workflow.permissions.get(job.id) ?? {},
    environment: name,
    runsOn: asTextList(runsOn, `${job.place}.runs-on`),
  };
}

async function runGranted(
  { job, record, scope, contexts }: StepsJobRun,
  { environment }: JobRequest,
  grant: JobGrant,
): Promise<JobRecord> {
  const { run, workflow } = scope;
  const { options } = run;
  const steps: StepResult[] = [];
  const running: JobRecord = {
    ...record,
    status: 'in_progress',
    started: new Date(),
    steps,
    ...(environment !== undefined && { environment }),
  };
  run.records.put(running);
  const began = performance.now();
  const { result, outputs, error } = await executeJob(job, {
    id: record.id,
    github: { ...baseContexts(scope).github, token: grant.token },
    contexts: { ...contexts, vars: { ...options.vars, ...grant.vars } },
    secrets: secretsOf(scope, grant),
    workflow: { place: workflow.file.path, env: workflow.file.env, defaults: workflow.file.defaults },
    env: options.env ?? {},
    tree: workflow.tree,
    actions: options.actions,
    artifacts: run.artifacts,
    cancel: scope.cancel,
    killer: options.killer,
    grace: options.grace,
    onLine: (line, step) => options.onLine?.(line, record.id, step),
    onStep: (step) => steps.push(step),
  });
  const seconds = (performance.now() - began) / 1000;
  return { ...running, status: 'completed', result, outputs, seconds, ...(error !== undefined && { error }) };
}

/**
 * Secrets of an environment stand in front of the others. To a called workflow come only those whose names are passed to
 * it, as on GitHub: the environment's value takes the place of the passed one.
 */
function secretsOf({ secrets, ids }: Scope, { token, secrets: granted = {} }: JobGrant): Record<string, string> {
  const passed = Object.entries(secrets).map(([name, text]) => [name, text.replaceAll(TOKEN_TO_COME, token)] as const);
  const entries = Object.entries(granted).filter(([name]) => ids.length === 0 || name in secrets);
  return { ...Object.fromEntries(passed), ...Object.fromEntries(entries) };
}
