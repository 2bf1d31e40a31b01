import { setTimeout as sleep } from 'node:timers/promises';

/** What waiting is measured with; tests hand in one that runs faster. */
export interface Clock {
  /** Milliseconds. */
  now(): number;
  /** Rejects as soon as `signal` is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<unknown>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) => sleep(milliseconds, undefined, signal === undefined ? {} : { signal }),
};
