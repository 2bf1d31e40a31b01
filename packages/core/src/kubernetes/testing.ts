import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from './clock.ts';

/** Returns a clock that runs `factor` times as fast as ours, so that tests wait for nothing; for tests. */
export function fastClock(factor: number): Clock {
  return {
    now: () => performance.now() * factor,
    sleep: (milliseconds) => sleep(milliseconds / factor),
  };
}
