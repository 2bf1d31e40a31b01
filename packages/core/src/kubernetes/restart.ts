import { messageOf } from '../errors.ts';
import { type Kubectl, KubectlError } from './kubectl.ts';
import { type PersistenceOptions, persist } from './persistence.ts';
import { type RolloutEnd, watchRollout } from './watch-rollout.ts';
import { type Deployment, readWorkload, type Workload } from './workload.ts';

export interface ChangeOptions extends PersistenceOptions {
  readonly kubectl: Kubectl;
  /** As it was before the rollout. */
  readonly before: Deployment;
}

/** Reads a deployment and its newest pods as soon as the API answers; throws a KubectlError at the deadline. */
export function awaitWorkload(kubectl: Kubectl, name: string, options: PersistenceOptions): Promise<Workload> {
  const limited = kubectl.until(options.deadline);
  return persist(options, () => readWorkload(limited, name));
}

/**
 * Restarts a deployment; throws a KubectlError when that is refused or cannot be done before the deadline. A failure of
 * the command is none when the deployment was restarted all the same: the answer was lost, or somebody else restarted it
 * in the same second.
 */
export function restart(options: ChangeOptions): Promise<void> {
  const { before, deadline } = options;
  const kubectl = options.kubectl.until(deadline);
  return change(options, before, () => kubectl.restart(before.name));
}

/**
 * Gives a command until it has changed the template of a deployment's pods. It is given again only when a look has shown
 * that it did not: `restartedAt` tells it, where the generation would change for every scaling, too.
 */
function change(options: ChangeOptions, before: Deployment, command: () => Promise<void>): Promise<void> {
  return persist(options, async () => {
    try {
      await command();
    } catch (error) {
      if (!(error instanceof KubectlError) || error.final) throw error;
      if (!(await hasChanged(options, before, error))) throw error;
    }
  });
}

async function hasChanged(options: ChangeOptions, before: Deployment, failure: KubectlError): Promise<boolean> {
  try {
    const { deployment } = await awaitWorkload(options.kubectl, before.name, options);
    return deployment.restartedAt !== before.restartedAt;
  } catch (error) {
    const message = `${messageOf(failure)} Whether it was done all the same is not known: ${messageOf(error)}`;
    throw new KubectlError('kubectl-unknown', message, { cause: error, final: true });
  }
}

export interface UndoOptions extends ChangeOptions {
  /** The revision that failed; undefined when none was seen. */
  readonly failed: number | undefined;
  readonly container: string;
}

/**
 * Takes a failed rollout back to the revision before it and waits until that has come up. Returns undefined when there
 * is nothing of ours to take back: the deployment never changed, or somebody has rolled out something else since.
 *
 * Which image runs then is not proved but reported: with a moving tag, pods that have to be made anew pull what the tag
 * points to now.
 */
export async function undo(options: UndoOptions): Promise<RolloutEnd | undefined> {
  const { before, failed, deadline } = options;
  const kubectl = options.kubectl.until(deadline);
  const { deployment } = await awaitWorkload(kubectl, before.name, options);
  if (failed === undefined || failed === before.revision || deployment.revision !== failed) return undefined;
  await change(options, deployment, () => kubectl.undo(before.name, before.revision));
  const hasMoved = async (): Promise<boolean> => false;
  return watchRollout({ ...options, deployment: before.name, image: undefined, after: failed, hasMoved });
}
