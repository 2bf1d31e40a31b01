/**
 * The objects of the API as far as deployments need them; every other field stays as it came.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/
 */
export type Kind = 'Deployment' | 'ReplicaSet' | 'Pod' | 'Event';

export interface Metadata {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  generation?: number;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: { apiVersion: string; kind: Kind; name: string; uid: string; controller: true }[];
}

interface ObjectOf<K extends Kind> {
  apiVersion: K extends 'Deployment' | 'ReplicaSet' ? 'apps/v1' : 'v1';
  kind: K;
  metadata: Metadata;
}

export interface Container {
  name: string;
  image: string;
  imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
  readinessProbe?: object;
}

export interface PodTemplate {
  metadata: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: { containers: Container[] };
}

export interface Condition {
  type: string;
  status: 'True' | 'False';
  reason?: string;
  message?: string;
  lastTransitionTime: string;
}

export interface Deployment extends ObjectOf<'Deployment'> {
  spec: {
    replicas: number;
    selector: { matchLabels: Record<string, string> };
    template: PodTemplate;
    paused?: boolean;
    strategy: { type: 'RollingUpdate'; rollingUpdate: { maxSurge: string | number; maxUnavailable: string | number } };
    revisionHistoryLimit: number;
    progressDeadlineSeconds: number;
  };
  status: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    unavailableReplicas?: number;
    conditions?: Condition[];
  };
}

export interface ReplicaSet extends ObjectOf<'ReplicaSet'> {
  spec: { replicas: number; selector: { matchLabels: Record<string, string> }; template: PodTemplate };
  status: { observedGeneration?: number; replicas: number; readyReplicas?: number; availableReplicas?: number };
}

export interface ContainerStatus {
  name: string;
  image: string;
  imageID: string;
  ready: boolean;
  started?: boolean;
  restartCount: number;
  state: ContainerState;
  lastState: ContainerState;
}

export interface ContainerState {
  waiting?: { reason: string; message?: string };
  running?: { startedAt: string };
  terminated?: { exitCode: number; reason: string; startedAt: string; finishedAt: string };
}

export interface Pod extends ObjectOf<'Pod'> {
  spec: { nodeName?: string; containers: Container[] };
  status: { phase: 'Pending' | 'Running'; conditions: Condition[]; containerStatuses?: ContainerStatus[] };
}

export interface ClusterEvent extends ObjectOf<'Event'> {
  involvedObject: { kind: Kind; namespace: string; name: string; uid: string };
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  count: number;
  firstTimestamp: string;
  lastTimestamp: string;
  source: { component: string };
}

export type KubernetesObject = Deployment | ReplicaSet | Pod | ClusterEvent;

/** The time as the API writes it, in whole seconds. */
export function timestamp(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Tells whether `owner` controls `object`. */
export function isOwnedBy(object: KubernetesObject, owner: KubernetesObject): boolean {
  return object.metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) ?? false;
}

export function isReady(pod: Pod): boolean {
  const ready = pod.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  return ready && pod.metadata.deletionTimestamp === undefined;
}

/** Sets one condition; its time changes only with its status. */
export function setCondition(conditions: Condition[], next: Omit<Condition, 'lastTransitionTime'>): void {
  const at = conditions.findIndex(({ type }) => type === next.type);
  const before = conditions[at];
  const lastTransitionTime = before?.status === next.status ? before.lastTransitionTime : timestamp();
  conditions.splice(at === -1 ? conditions.length : at, 1, { ...next, lastTransitionTime });
}
