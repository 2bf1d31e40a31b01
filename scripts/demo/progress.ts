import { formatDuration } from '@slipway/core/util/units';
import type { ServiceRun } from '@slipway/sandbox/actions-service/options';
import type { WorkflowRun, WorkflowRunJob } from '@slipway/sandbox/github/actions-host';

/** One step of the story, as `summary.json` has it. */
export interface StepRecord {
  readonly name: string;
  readonly seconds: number;
  readonly result: 'success' | 'failure';
}

/** One job of a workflow, as `summary.json` has it. */
export interface JobEntry {
  readonly workflow: string;
  readonly job: string;
  readonly event: string;
  /** Seconds since the story began. */
  readonly started: number;
  readonly seconds: number;
  readonly result: string;
}

/** How much of the log of a job that failed is shown. */
const LAST_LINES = 12;

/** Tells the story while it happens, and remembers how long each step and each job took. */
export class Progress {
  readonly steps: StepRecord[] = [];
  readonly jobs: JobEntry[] = [];
  readonly #started = new Date();
  readonly #lines = new Map<string, string[]>();
  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void = console.log) {
    this.#print = print;
  }

  say(text: string): void {
    this.#print(`  ${text}`);
  }

  async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#print(`▸ ${name}`);
    const started = performance.now();
    let result: StepRecord['result'] = 'failure';
    try {
      const value = await work();
      result = 'success';
      return value;
    } finally {
      const elapsed = performance.now() - started;
      this.steps.push({ name, seconds: Math.round(elapsed) / 1000, result });
      this.#print(`  ${result === 'success' ? '✓' : '✗'} ${formatDuration(elapsed)}`);
    }
  }

  /** Keeps a line of a job's log for the case that the job fails. */
  hear(line: string, { id }: WorkflowRun, job: string): void {
    const key = `${id}/${job}`;
    const lines = this.#lines.get(key) ?? [];
    this.#lines.set(key, [...lines.slice(1 - LAST_LINES), line]);
  }

  /** Tells of a job that has ended; those that had nothing to do are not worth a line. */
  tell(run: WorkflowRun, job: WorkflowRunJob): void {
    if (job.status !== 'completed') return;
    const seconds = ((job.completedAt ?? job.startedAt).getTime() - job.startedAt.getTime()) / 1000;
    const result = job.conclusion ?? '';
    this.jobs.push({
      workflow: run.name,
      job: job.name,
      event: run.event,
      started: (job.startedAt.getTime() - this.#started.getTime()) / 1000,
      seconds,
      result,
    });
    if (result === 'skipped') return;
    const sign = result === 'success' ? '✓' : '✗';
    this.say(`${sign} ${run.event.padEnd(20)} ${`${run.name} · ${job.name}`.padEnd(56)} ${seconds.toFixed(1)} s`);
  }

  /** Shows the end of the logs of what failed and must not. */
  explain(run: ServiceRun): string {
    const failed = run.results.filter(({ result }) => result === 'failure');
    const logs = failed.flatMap(({ id, name, error }) => {
      const lines = this.#lines.get(`${run.id}/${id}`) ?? this.#lines.get(`${run.id}/${name}`) ?? [];
      return [`${name}:`, ...(error === undefined ? [] : [error]), ...lines];
    });
    return [
      `The workflow '${run.name}' (${run.event}) ended with '${run.conclusion}'. ${run.reason ?? ''}`,
      ...logs,
    ].join('\n');
  }
}
