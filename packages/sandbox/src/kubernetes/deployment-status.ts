import { type Deployment, isOwnedBy, isReady, type Pod, type ReplicaSet, setCondition } from './objects.ts';

/** What the controller has found out about a deployment. */
export interface Observation {
  readonly newest: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
  readonly pods: readonly Pod[];
  /** Why a pod could not be made. */
  readonly refused: string | undefined;
}

/**
 * Writes what the controller sees into the status of a deployment.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
 */
export function observe(deployment: Deployment, { newest, old, pods, refused }: Observation): void {
  const { spec, metadata } = deployment;
  const alive = (set: ReplicaSet): Pod[] =>
    pods.filter((pod) => isOwnedBy(pod, set) && pod.metadata.deletionTimestamp === undefined);
  const updated = newest === undefined ? [] : alive(newest);
  const all = [...updated, ...old.flatMap(alive)];
  const available = all.filter(isReady).length;
  const conditions = deployment.status.conditions ?? [];
  deployment.status = {
    observedGeneration: metadata.generation ?? 1,
    replicas: all.length,
    ...(updated.length > 0 && { updatedReplicas: updated.length }),
    ...(available > 0 && { readyReplicas: available, availableReplicas: available }),
    ...(available < spec.replicas && { unavailableReplicas: spec.replicas - available }),
    conditions,
  };
  const enough = available > 0 || spec.replicas === 0;
  setCondition(conditions, {
    type: 'Available',
    status: enough ? 'True' : 'False',
    reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
  });
  if (refused !== undefined) {
    setCondition(conditions, { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: refused });
  } else {
    deployment.status.conditions = conditions.filter(({ type }) => type !== 'ReplicaFailure');
  }
}

/** Says in the conditions whether the rollout goes on, is over, or has not moved for too long. */
export function observeProgress({ spec, status, metadata }: Deployment, newest: string, stalled: boolean): void {
  const conditions = status.conditions ?? [];
  const say = (value: 'True' | 'False', reason: string, message: string): void =>
    setCondition(conditions, { type: 'Progressing', status: value, reason, message });
  if (spec.paused === true) say('True', 'DeploymentPaused', 'Deployment is paused');
  else if (isComplete(status, spec.replicas)) {
    say('True', 'NewReplicaSetAvailable', `ReplicaSet "${newest}" has successfully progressed.`);
  } else if (stalled) {
    say('False', 'ProgressDeadlineExceeded', `ReplicaSet "${newest}" has timed out progressing.`);
  } else say('True', 'ReplicaSetUpdated', `ReplicaSet "${newest}" of ${metadata.name} is progressing.`);
}

function isComplete(status: Deployment['status'], replicas: number): boolean {
  return [status.replicas, status.updatedReplicas ?? 0, status.availableReplicas ?? 0].every((n) => n === replicas);
}
