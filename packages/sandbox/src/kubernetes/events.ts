import { randomUUID } from 'node:crypto';
import { type Cluster, newMetadata } from './cluster.ts';
import { type KubernetesObject, timestamp } from './objects.ts';

/** Writes an event about an object; the same one again is counted, as the real recorder does. */
export function recordEvent(
  cluster: Cluster,
  about: KubernetesObject,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
  component = 'kubelet',
): void {
  const { namespace, name, uid } = about.metadata;
  const known = cluster
    .list('Event', namespace)
    .find((event) => event.involvedObject.uid === uid && event.reason === reason && event.message === message);
  if (known !== undefined) {
    cluster.put({ ...known, count: known.count + 1, lastTimestamp: timestamp() });
    return;
  }
  cluster.put({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: newMetadata(namespace, `${name}.${randomUUID().slice(0, 16)}`),
    involvedObject: { kind: about.kind, namespace, name, uid },
    type,
    reason,
    message,
    count: 1,
    firstTimestamp: timestamp(),
    lastTimestamp: timestamp(),
    source: { component },
  });
}
