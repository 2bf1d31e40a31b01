import { setTimeout as wait } from 'node:timers/promises';
import type { Killer } from '@slipway/sandbox/runner/run-workflow';
import type { Kill } from './kill-plan.ts';

/** How long a job takes when nobody disturbs it. */
export interface JobLength {
  readonly lines: number;
  readonly milliseconds: number;
}

/** The name of the step that the runner asks for when all others have ended. */
const END = 'Complete job';

/** Kills nothing, and measures every job by its full id. */
export class Stopwatch implements Killer {
  readonly #jobs = new Map<string, { began: number; lines: number; milliseconds: number }>();

  atStep(job: string, step: number, name: string): boolean {
    if (step === 0) this.#jobs.set(job, { began: performance.now(), lines: 0, milliseconds: 0 });
    const known = this.#jobs.get(job);
    if (known !== undefined && name === END) known.milliseconds = performance.now() - known.began;
    return false;
  }

  atLine(_line: string, job: string): boolean {
    const known = this.#jobs.get(job);
    if (known !== undefined) known.lines += 1;
    return false;
  }

  get lengths(): ReadonlyMap<string, JobLength> {
    return this.#jobs;
  }
}

/** Kills what a plan says, once; and, when the plan is a whole power cut, everything after it in the same workflow. */
export class Reaper implements Killer {
  readonly #kill: Kill;
  readonly #line: number;
  readonly #milliseconds: number;
  readonly #death = Promise.withResolvers<void>();
  #lines = 0;
  #victim: string | undefined;
  #hasStruck = false;
  #clock: Promise<void> | undefined;

  constructor(kill: Kill, { lines, milliseconds }: JobLength) {
    this.#kill = kill;
    this.#line = Math.floor(kill.fraction * lines);
    this.#milliseconds = kill.fraction * milliseconds;
  }

  get hasStruck(): boolean {
    return this.#hasStruck;
  }

  atStep(job: string, step: number, name: string): boolean {
    if (this.#isLost(job)) return true;
    if (!this.#isTarget(job)) return false;
    // A job that is shorter than expected this time dies at its end.
    return name === END || (this.#kill.moment === 'before' && step === 0) ? this.#strike() : false;
  }

  atLine(_line: string, job: string): boolean {
    if (this.#kill.moment !== 'at a line' || !this.#isTarget(job)) return false;
    this.#lines += 1;
    return this.#lines > this.#line ? this.#strike() : false;
  }

  during(job: string): Promise<void> | undefined {
    if (this.#isTarget(job) && this.#kill.moment === 'at a time') {
      this.#clock ??= wait(this.#milliseconds).then(() => {
        // Whoever is struck by the clock is told by the promise alone.
        this.#strike();
      });
      return this.#clock;
    }
    return this.#kill.isWhole && this.#isSameRun(job) ? this.#death.promise : undefined;
  }

  #strike(): true {
    this.#hasStruck = true;
    this.#death.resolve();
    return true;
  }

  /** One leg of a matrix is enough: the first that comes is the one. */
  #isTarget(job: string): boolean {
    if (this.#hasStruck || !job.startsWith(this.#kill.job)) return false;
    this.#victim ??= job;
    return job === this.#victim;
  }

  #isLost(job: string): boolean {
    return this.#hasStruck && this.#kill.isWhole && this.#isSameRun(job);
  }

  #isSameRun(job: string): boolean {
    return job.split(' / ')[0] === this.#kill.job.split(' / ')[0];
  }
}
