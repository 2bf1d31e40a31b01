import type { ConcurrencyGroups } from './concurrency-groups.ts';
import type { GitHubContext } from './github-context.ts';
import type { Verdict } from './job-state.ts';
import type { Killer } from './machine-life.ts';
import type { Permissions } from './permissions.ts';
import type { WorkflowSource } from './reusable.ts';
import type { StepResult } from './run-step.ts';

type Texts = Readonly<Record<string, string>>;

/** A job that is about to run, as far as its token and its environment depend on it. */
export interface JobRequest {
  /** Full, see {@link JobRecord.id}. */
  readonly id: string;
  readonly name: string;
  readonly permissions: Permissions;
  readonly environment: string | undefined;
  readonly runsOn: readonly string[];
}

/** What a job gets when it begins. */
export interface JobGrant {
  readonly token: string;
  /** Of the environment; in front of the run's own ones. */
  readonly secrets?: Texts;
  /** Of the environment; in front of the run's own ones. */
  readonly vars?: Texts;
  /** Called when the job has ended: its token dies. */
  close(): Promise<void>;
}

/** One job of a run, as it stands. */
export interface JobRecord {
  /** The ids of the calling jobs and of this one, each with its values of the matrix: `release / sync (a)`. */
  readonly id: string;
  /** As GitHub shows it, from the names of the same jobs. */
  readonly name: string;
  /** The name of the run's workflow, also in a workflow that it calls. */
  readonly workflow: string;
  readonly status: 'queued' | 'in_progress' | 'completed';
  /** Undefined until it is completed. */
  readonly result?: Verdict;
  /** When it began to run; until then when it was queued. */
  readonly started: Date;
  readonly seconds: number;
  readonly steps: readonly StepResult[];
  readonly outputs: Texts;
  readonly environment?: string;
  /** Why the job ended as it did, when no step says it. */
  readonly error?: string;
}

export interface WorkflowRunResult {
  readonly result: Verdict;
  /** In the order in which they were begun. */
  readonly jobs: readonly JobRecord[];
  /** Why the whole run was cancelled before it began. */
  readonly error?: string;
}

export interface WorkflowRunOptions {
  readonly workflow: WorkflowSource;
  /** The context `github`, without a token. */
  readonly github: GitHubContext;
  /** Of a dispatch, each as its type says. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Masked in everything that comes out. */
  readonly secrets?: Texts;
  readonly vars?: Texts;
  /** What the machines' own environment has, such as DOCKER_CONFIG on a self-hosted runner. */
  readonly env?: Texts;
  /** The assembled tree on disk: `org/actions/<name>@<any>` and `org/actions/.github/workflows/<file>@<any>`. */
  readonly actions: string;
  /** Mints the token of a job, which is closed when the job ends. */
  openJob(job: JobRequest): Promise<JobGrant>;
  /** Shared by all runs of a service. */
  readonly concurrency: ConcurrencyGroups;
  /** Jobs that run at once (default 2). */
  readonly machines?: number;
  /** Runs again what failed or was cancelled, and what needs it; everything else keeps its result and outputs. */
  readonly previous?: WorkflowRunResult;
  /** Cancels the run. */
  readonly signal?: AbortSignal;
  /** Milliseconds that a cancelled step has to end after SIGINT (default 2000; GitHub gives ten seconds). */
  readonly grace?: number;
  /** Where artifacts are kept, for the attempts of one run; default a directory that goes with this attempt. */
  readonly artifacts?: string;
  readonly killer?: Killer;
  /** Is told of each job that is queued, begins and ends; not of those that are kept from `previous`. */
  readonly onJob?: (job: JobRecord) => void;
  /** Is told of each line of a step's log as it comes, masked. */
  readonly onLine?: (line: string, job: string, step: string) => void;
}
