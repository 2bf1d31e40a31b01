import { ApiError } from './api-error.ts';
import type { Cluster } from './cluster.ts';
import type { Pod } from './objects.ts';

/** Returns a container's log, of its previous run when `previous` is asked for, the last `tailLines` lines of it. */
export function readPodLog(cluster: Cluster, pod: Pod, query: URLSearchParams): string {
  const { name } = pod.metadata;
  const statuses = pod.status.containerStatuses ?? [];
  const container = query.get('container') ?? pod.spec.containers[0]?.name ?? '';
  if (!pod.spec.containers.some((candidate) => candidate.name === container)) {
    throw new ApiError(400, 'BadRequest', `container ${container} is not valid for pod ${name}`);
  }
  const status = statuses.find((candidate) => candidate.name === container);
  const waiting = status?.state.waiting?.reason;
  const record = cluster.records.pods[pod.metadata.uid];
  const previous = query.get('previous') === 'true';
  const hasRun =
    status !== undefined && (status.state.waiting === undefined || status.lastState.terminated !== undefined);
  if (record === undefined || !hasRun) {
    const why = `container "${container}" in pod "${name}" is waiting to start: ${waiting ?? 'ContainerCreating'}`;
    throw new ApiError(400, 'BadRequest', why);
  }
  // Of a container that waits to be started again, the run that has ended is the last and the previous one.
  const before = waiting === undefined ? record.previousLog : record.log;
  if (previous && before === undefined) {
    const why = `previous terminated container "${container}" in pod "${name}" not found`;
    throw new ApiError(400, 'BadRequest', why);
  }
  const lines = previous ? (before ?? []) : record.log;
  const tail = query.get('tailLines');
  const shown = tail === null ? lines : lines.slice(Math.max(0, lines.length - Number(tail)));
  return shown.map((line) => `${line}\n`).join('');
}
