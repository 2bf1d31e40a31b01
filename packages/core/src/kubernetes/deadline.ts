import { ActionError } from '../errors.ts';
import { formatDuration } from '../util/units.ts';
import type { Clock } from './clock.ts';

/** A moment after which nothing is waited for any longer. */
export class Deadline {
  readonly clock: Clock;
  /** How long it was away when it was set. */
  readonly milliseconds: number;
  readonly #end: number;

  constructor(clock: Clock, milliseconds: number) {
    this.clock = clock;
    this.milliseconds = milliseconds;
    this.#end = clock.now() + milliseconds;
  }

  /** Returns milliseconds, 0 when it has passed. */
  left(): number {
    return Math.max(0, this.#end - this.clock.now());
  }

  /**
   * Waits for `work` until the deadline, and at most `most` milliseconds; then aborts its signal and throws an
   * ActionError that names `what`, whether the work heeds the signal or not.
   */
  async limit<T>(what: string, most: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const allowed = Math.min(most, this.left());
    if (allowed === 0) throw new ActionError('timeout', `No time is left for ${what}.`);
    const [over, done] = [new AbortController(), new AbortController()];
    const late = this.clock.sleep(allowed, done.signal).then((): never => {
      const error = new ActionError('timeout', `${what} has not ended after ${formatDuration(allowed)}.`);
      over.abort(error);
      throw error;
    });
    try {
      return await Promise.race([work(over.signal), late]);
    } catch (error) {
      // Work that is told to stop may be the first to say so, in words of its own.
      throw over.signal.aborted ? over.signal.reason : error;
    } finally {
      done.abort();
    }
  }
}
