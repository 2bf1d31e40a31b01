import type { Log } from '@slipway/core/util/log';

/** Everything that a mode writes goes through here: it is planned by name, and in a dry run that is all. */
export class Doings {
  /** What was done, or would be. */
  readonly plan: string[] = [];
  readonly #isDryRun: boolean;
  readonly #log: Log;

  constructor(isDryRun: boolean, log: Log) {
    this.#isDryRun = isDryRun;
    this.#log = log;
  }

  /** Whether something was written. */
  get changed(): boolean {
    return !this.#isDryRun && this.plan.length > 0;
  }

  /** Does `work` and returns its result; undefined in a dry run. `what` completes "would …". */
  async do<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    this.plan.push(what);
    this.#log.info(this.#isDryRun ? `would ${what}` : what);
    return this.#isDryRun ? undefined : await work();
  }
}
