import type { Sender } from './event-bus.ts';
import type { HostedRepository } from './hosted-repository.ts';
import type { JsonObject } from './payload.ts';

export type RunStatus = 'queued' | 'in_progress' | 'completed';
export type RunConclusion = 'success' | 'failure' | 'cancelled' | 'skipped';

/** One attempt at a step, as the API shows it. */
export interface WorkflowRunStep {
  readonly name: string;
  readonly number: number;
  readonly status: RunStatus;
  readonly conclusion: RunConclusion | null;
}

/** A job of a run; its id is that of the check run that shows it. */
export interface WorkflowRunJob {
  readonly id: number;
  readonly attempt: number;
  readonly name: string;
  readonly status: RunStatus;
  readonly conclusion: RunConclusion | null;
  readonly startedAt: Date;
  readonly completedAt: Date | null;
  readonly steps: readonly WorkflowRunStep[];
}

/** A run of a workflow in its latest attempt. */
export interface WorkflowRun {
  readonly id: number;
  readonly number: number;
  readonly attempt: number;
  /** `owner/name`. */
  readonly repository: string;
  /** `.github/workflows/<file>`. */
  readonly path: string;
  readonly name: string;
  readonly title: string;
  readonly event: string;
  readonly payload: JsonObject;
  readonly headRepository: string;
  readonly headBranch: string | null;
  readonly headSha: string;
  readonly actor: string;
  /** Who started this attempt. */
  readonly triggeringActor: string;
  readonly status: RunStatus;
  readonly conclusion: RunConclusion | null;
  /** Why the run failed, where no job can say it: the workflow file is broken. */
  readonly reason: string | null;
  /** The check suite that its jobs are in. */
  readonly suite: number;
  readonly createdAt: Date;
  /** The start of this attempt. */
  readonly startedAt: Date;
  readonly updatedAt: Date;
  /** The jobs of all attempts, in the order of their start. */
  readonly jobs: readonly WorkflowRunJob[];
}

export interface DispatchRequest {
  readonly path: string;
  /** A branch or tag, short or full. */
  readonly ref: string;
  readonly inputs: JsonObject;
}

/** Who runs workflows, as the REST API reaches it. */
export interface ActionsHost {
  /** Starts a workflow by hand; throws an ApiError in GitHub's words for what it would refuse. */
  dispatch(repository: HostedRepository, request: DispatchRequest, sender: Sender): Promise<WorkflowRun>;
  /** The runs of a repository, oldest first. */
  runsOf(repository: string): readonly WorkflowRun[];
  /** Stops a run; false where it has ended. */
  cancel(id: number): boolean;
  /** Runs a run again, all of it or what failed; false while it is running. */
  rerun(id: number, failedOnly: boolean, sender: Sender): boolean;
}
