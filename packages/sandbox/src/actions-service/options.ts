import type { WorkflowRun, WorkflowRunJob } from '../github/actions-host.ts';
import type { EnvironmentOptions, Variables } from '../github/hosted-repository.ts';
import type { GitHubServer } from '../github/server.ts';
import type { JobRecord, Killer } from '../runner/run-workflow.ts';

/** A repository whose workflows run. */
export interface RepositorySettings extends Variables {
  readonly environments?: Readonly<Record<string, EnvironmentOptions>>;
}

export interface WorkflowOptions {
  /** By `owner/name`; in every other repository nothing runs. */
  readonly repositories: Readonly<Record<string, RepositorySettings>>;
  /** The assembled tree of actions. */
  readonly actions: string;
  /** The machine's own environment: DOCKER_CONFIG, KUBECONFIG, … */
  readonly env?: Readonly<Record<string, string>>;
  /** How many jobs of a run go at once (default 2). */
  readonly machines?: number;
  /** Decides which machines die under their jobs. */
  readonly killer?: Killer;
  /** Is told of a job when it starts and when it ends. */
  readonly onJob?: (run: WorkflowRun, job: WorkflowRunJob) => void;
  /** Is told of each line of a step's log, masked. */
  readonly onLine?: (line: string, run: WorkflowRun, job: string, step: string) => void;
}

export interface ActionsServiceOptions extends WorkflowOptions {
  readonly github: GitHubServer;
  /** The clock behind the times of runs and jobs; default: the one of `github`. */
  readonly now?: () => Date;
}

/** A run, and what its latest attempt left: logs, summaries, outputs. */
export interface ServiceRun extends WorkflowRun {
  readonly results: readonly JobRecord[];
}

/** Something that would have started workflows, had it not been done with a job's own token. */
export interface IgnoredEvent {
  readonly repository: string;
  readonly event: string;
  readonly action: string | undefined;
  readonly actor: string;
  /** The paths of the workflows that did not start. */
  readonly workflows: readonly string[];
}

export interface ActionsService {
  /** Every run so far, oldest first. */
  readonly runs: readonly ServiceRun[];
  /** Where a chain of workflows is dead because one continues it with a job's own token. */
  readonly ignored: readonly IgnoredEvent[];
  /** Lets time pass: starts the workflows of a repository that have this `cron`, or any. */
  tick(repository: string, cron?: string): Promise<void>;
  /** From now on this one decides which machines die; undefined: none. */
  setKiller(killer: Killer | undefined): void;
  /** Resolves when nothing runs, waits, or is about to start; rejects where an event could not be looked at. */
  idle(): Promise<void>;
  /** Cancels what runs, waits for its end, and hears of no event any more. */
  close(): Promise<void>;
}
