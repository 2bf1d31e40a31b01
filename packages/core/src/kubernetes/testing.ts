import { type Clock, systemClock } from './clock.ts';

/** Returns a clock that runs `factor` times as fast as ours, so that tests wait for nothing; for tests. */
export function fastClock(factor: number): Clock {
  return {
    now: () => performance.now() * factor,
    sleep: (milliseconds, signal) => systemClock.sleep(milliseconds / factor, signal),
  };
}
