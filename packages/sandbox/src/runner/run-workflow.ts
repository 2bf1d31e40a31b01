import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { anySignal } from './any-signal.ts';
import { JobRecords } from './job-records.ts';
import { loadWorkflow } from './reusable.ts';
import type { WorkflowRunOptions, WorkflowRunResult } from './run-options.ts';
import { Slots } from './slots.ts';
import { directoryTree } from './tree-reader.ts';
import { runWorkflowJob } from './workflow-job.ts';
import { runScope, type Scope } from './workflow-scope.ts';

/**
 * Runs a whole workflow file: its jobs with all that they need, and the workflows that they call.
 *
 * What goes wrong in a job is its result. A file that cannot be run (an unknown key, a call that does not fit, a callee
 * that wants more than its caller grants) is thrown before anything has run, as GitHub fails such a run at its start.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
 */
export async function runWorkflow(options: WorkflowRunOptions): Promise<WorkflowRunResult> {
  const assembled = directoryTree(options.actions, 'org/actions');
  const workflow = await loadWorkflow(options.workflow, assembled);
  const artifacts = options.artifacts ?? (await mkdtemp(join(tmpdir(), 'slipway-artifacts-')));
  const signal = options.signal ?? new AbortController().signal;
  const records = new JobRecords(options);
  const scope: Scope = {
    run: {
      options,
      workflow: workflow.file.name,
      records,
      machines: new Slots(options.machines ?? 2),
      artifacts: resolve(artifacts),
      runJob: runWorkflowJob,
    },
    workflow,
    ids: [],
    names: [],
    inputs: options.inputs ?? {},
    secrets: options.secrets ?? {},
    cancel: anySignal(signal),
    forced: false,
    held: new Set(),
  };
  try {
    await mkdir(artifacts, { recursive: true });
    const end = await runScope(scope);
    if ('refused' in end) return { result: 'cancelled', jobs: records.all, error: end.refused };
    // A run that somebody cancelled is cancelled, whatever had failed before; unless nothing was left to cancel.
    const cancelled = signal.aborted && records.all.some(({ result }) => result === 'cancelled');
    return { result: cancelled ? 'cancelled' : end.result, jobs: records.all };
  } finally {
    if (options.artifacts === undefined) await rm(artifacts, { recursive: true, force: true });
  }
}

export type { Killer } from './machine-life.ts';
export type { Permissions } from './permissions.ts';
export type { JobGrant, JobRecord, JobRequest, WorkflowRunOptions, WorkflowRunResult } from './run-options.ts';
export type { TreeReader } from './tree-reader.ts';
