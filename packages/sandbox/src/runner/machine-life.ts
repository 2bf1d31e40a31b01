/** Decides when the machine under a job dies, for tests of what a re-run finds. */
export interface Killer {
  /**
   * Asked before each step, `step` counting from 0 with pre and post steps and skipped ones; and once more when all have
   * ended, with the name `Complete job`: the work is done then and the result is not yet told.
   */
  atStep?(job: string, step: number, name: string): boolean;
  /** Told of each line of a log, masked; true kills. */
  atLine?(line: string, job: string, name: string): boolean;
  /** Resolves when the step that is running shall die; asked when a step begins. */
  during?(job: string, name: string): Promise<void> | undefined;
}

/** Thrown in a job whose machine has died: nothing of it runs any more. */
class RunnerLostError extends Error {
  constructor(job: string) {
    super(`runner lost: the machine of job '${job}' has died`);
    this.name = 'RunnerLostError';
  }
}

/** The life of the machine that one job runs on. */
export class MachineLife {
  readonly #job: string;
  readonly #killer: Killer;
  readonly #death = new AbortController();
  #steps = 0;
  /** The number of the step that runs: several can have one name. */
  #running: number | undefined;

  constructor(job: string, killer: Killer = {}) {
    this.#job = job;
    this.#killer = killer;
  }

  /** Aborted at the moment of death. */
  get death(): AbortSignal {
    return this.#death.signal;
  }

  /** Throws when the machine dies before the step of that name. */
  beforeStep(name: string): void {
    const step = this.#steps;
    this.#steps += 1;
    if (this.#killer.atStep?.(this.#job, step, name) === true) this.#death.abort();
    this.requireAlive();
  }

  /** Runs the work of a step; throws when the machine has died meanwhile. */
  async during<T>(name: string, work: () => Promise<T>): Promise<T> {
    const step = this.#steps;
    this.#running = step;
    const dies = this.#killer.during?.(this.#job, name);
    dies?.then(
      () => {
        if (this.#running === step) this.#death.abort();
      },
      () => undefined,
    );
    try {
      const result = await work();
      this.requireAlive();
      return result;
    } finally {
      this.#running = undefined;
    }
  }

  tellLine(line: string, name: string): void {
    if (this.#killer.atLine?.(line, this.#job, name) === true) this.#death.abort();
  }

  requireAlive(): void {
    if (this.#death.signal.aborted) throw new RunnerLostError(this.#job);
  }
}
