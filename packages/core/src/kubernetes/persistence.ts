import { messageOf } from '../errors.ts';
import type { Log } from '../util/log.ts';
import type { Deadline } from './deadline.ts';
import { KubectlError } from './kubectl.ts';

/** Milliseconds between two tries. */
const PAUSE = { first: 500, most: 5000, growth: 2 };

export interface PersistenceOptions {
  readonly deadline: Deadline;
  readonly log: Log;
}

/**
 * Repeats what kubectl fails to do for a passing reason until the deadline; then, and when another try would end the same
 * way, throws the last error that says more than that the time was over.
 */
export async function persist<T>({ deadline, log }: PersistenceOptions, work: () => Promise<T>): Promise<T> {
  let said: KubectlError | undefined;
  for (let pause = PAUSE.first; ; pause = Math.min(PAUSE.most, pause * PAUSE.growth)) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof KubectlError) || error.final) throw error;
      if (said === undefined || error.code !== 'kubectl-ended') said = error;
      if (deadline.left() === 0) throw said;
      log.warning(`Trying again: ${messageOf(error)}`);
      await deadline.clock.sleep(Math.min(pause, deadline.left()));
    }
  }
}
