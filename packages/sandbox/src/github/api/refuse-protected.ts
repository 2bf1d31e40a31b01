import { unprocessable } from '../api-error.ts';
import { pushObstacle } from '../protection.ts';
import type { RefChange } from '../pushes.ts';
import { actorOf, type RepositoryCall } from '../route.ts';
import { refuseWorkflows } from '../workflow-guard.ts';

/** Refuses a change to a protected branch that has to come by a pull request, and workflows from who may not bring any. */
export async function refuseProtected(call: RepositoryCall, change: RefChange): Promise<void> {
  const actor = actorOf(call);
  if (change.after !== null) await refuseWorkflows(call.repository.git, actor, change.after);
  const obstacle = pushObstacle(call.site, call.repository, change, actor.login);
  if (obstacle !== undefined) throw unprocessable(`Repository rule violations found\n\n${obstacle}`);
}
