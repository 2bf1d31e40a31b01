import type { Verdict } from './job-state.ts';
import type { JobRecord, WorkflowRunOptions } from './run-options.ts';

/** Returns what several jobs come to together, as `needs.<id>.result` and the run itself say it. */
export function conclude(results: readonly Verdict[]): Verdict {
  for (const result of ['failure', 'cancelled', 'success'] as const) {
    if (results.includes(result)) return result;
  }
  return 'skipped';
}

/** The jobs of one run, in the order in which they were begun. */
export class JobRecords {
  readonly #records = new Map<string, JobRecord>();
  readonly #previous: ReadonlyMap<string, JobRecord>;
  readonly #onJob: (job: JobRecord) => void;

  constructor({ previous, onJob = () => undefined }: Pick<WorkflowRunOptions, 'previous' | 'onJob'>) {
    this.#previous = new Map(previous?.jobs.map((job) => [job.id, job]));
    this.#onJob = onJob;
  }

  get all(): readonly JobRecord[] {
    return [...this.#records.values()];
  }

  put(record: JobRecord): void {
    this.#records.set(record.id, record);
    this.#onJob(record);
  }

  /** Takes over how the job ended in the previous attempt, if that needs no other try. */
  keep(id: string): JobRecord | undefined {
    const record = this.#previous.get(id);
    if (record === undefined || !isSettled(record)) return undefined;
    this.#records.set(id, record);
    return record;
  }

  /** Tells whether a job was skipped in the previous attempt. */
  wasSkipped(id: string): boolean {
    return this.#previous.get(id)?.result === 'skipped';
  }

  /** Tells whether all jobs of a called workflow ended well in the previous attempt. */
  isSettledBelow(id: string): boolean {
    const below = [...this.#previous.values()].filter((record) => record.id.startsWith(`${id} / `));
    return below.length > 0 && below.every(isSettled);
  }
}

function isSettled({ result }: JobRecord): boolean {
  return result === 'success' || result === 'skipped';
}
