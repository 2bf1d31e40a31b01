import { setTimeout as sleep } from 'node:timers/promises';

/** What waiting is measured with; tests hand in one that runs faster. */
export interface Clock {
  /** Milliseconds. */
  now(): number;
  sleep(milliseconds: number): Promise<unknown>;
}

export const systemClock: Clock = { now: () => performance.now(), sleep: (milliseconds) => sleep(milliseconds) };
