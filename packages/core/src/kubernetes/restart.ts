import type { Log } from '../util/log.ts';
import type { Clock } from './clock.ts';
import { type Kubectl, KubectlError } from './kubectl.ts';
import { type RolloutEnd, watchRollout } from './watch-rollout.ts';
import { type Deployment, readWorkload } from './workload.ts';

/** How often, and how long apart in milliseconds, it is looked whether a command that failed has worked all the same. */
const LOOKS = { most: 5, pause: 1000 };

/**
 * Restarts a deployment. A failure of the command is none when the deployment has changed all the same: the answer was
 * lost, or somebody else restarted it in the same second.
 */
export async function restart(kubectl: Kubectl, before: Deployment, clock: Clock): Promise<void> {
  try {
    await kubectl.restart(before.name);
  } catch (error) {
    if (!(error instanceof KubectlError) || !(await hasChanged(kubectl, before, clock))) throw error;
  }
}

async function hasChanged(kubectl: Kubectl, before: Deployment, clock: Clock): Promise<boolean> {
  for (let look = 1; look <= LOOKS.most; look += 1) {
    try {
      return (await readWorkload(kubectl, before.name)).deployment.generation !== before.generation;
    } catch (error) {
      if (!(error instanceof KubectlError)) throw error;
      await clock.sleep(LOOKS.pause);
    }
  }
  return false;
}

export interface UndoOptions {
  readonly kubectl: Kubectl;
  /** As it was before the rollout. */
  readonly before: Deployment;
  /** The revision that failed; undefined when none was seen. */
  readonly failed: number | undefined;
  readonly container: string;
  /** Milliseconds. */
  readonly timeout: number;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Takes a failed rollout back to the revision before it and waits until that has come up. Returns undefined when there
 * is nothing of ours to take back: the deployment never changed, or somebody has rolled out something else since.
 *
 * Which image runs then is not proved but reported: with a moving tag, pods that have to be made anew pull what the tag
 * points to now.
 */
export async function undo(options: UndoOptions): Promise<RolloutEnd | undefined> {
  const { kubectl, before, failed } = options;
  const { deployment } = await readWorkload(kubectl, before.name);
  if (failed === undefined || failed === before.revision || deployment.revision !== failed) return undefined;
  await kubectl.undo(before.name, before.revision);
  const hasMoved = async (): Promise<boolean> => false;
  return watchRollout({ ...options, deployment: before.name, image: undefined, after: failed, hasMoved });
}
