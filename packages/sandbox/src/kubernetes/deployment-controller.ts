import { createHash, randomBytes } from 'node:crypto';
import { type Cluster, newMetadata } from './cluster.ts';
import { observe, observeProgress } from './deployment-status.ts';
import { recordEvent } from './events.ts';
import type { Kubelet } from './kubelet.ts';
import { type Deployment, isOwnedBy, isReady, type Pod, type PodTemplate, type ReplicaSet } from './objects.ts';
import type { Schedule } from './schedule.ts';

const REVISION = 'deployment.kubernetes.io/revision';
const HASH = 'pod-template-hash';

/** Seconds of the cluster from a change to what the controller does about it. */
const REACTION = 0.1;

/**
 * Makes replica sets and pods what deployments want: rolling updates with surge, revisions, going back, and the status
 * that clients wait for.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
 */
export class DeploymentController {
  readonly #cluster: Cluster;
  readonly #schedule: Schedule;
  readonly #kubelet: Kubelet;
  readonly #unsubscribe: () => void;
  /** By uid, what a deployment looked like when something about it changed last. */
  readonly #progress = new Map<string, { state: string; stalled: boolean }>();

  constructor(cluster: Cluster, schedule: Schedule, kubelet: Kubelet) {
    this.#cluster = cluster;
    this.#schedule = schedule;
    this.#kubelet = kubelet;
    this.#unsubscribe = cluster.subscribe(({ object }) => {
      if (object.kind === 'Deployment') this.wake(object.metadata.namespace, object.metadata.name);
      if (object.kind === 'Pod') this.#wakeOwner(object);
    });
    for (const { metadata } of cluster.list('Deployment')) this.wake(metadata.namespace, metadata.name);
  }

  close(): void {
    this.#unsubscribe();
  }

  wake(namespace: string, name: string): void {
    this.#schedule.soon(`reconcile/${namespace}/${name}`, REACTION, () => this.#reconcile(namespace, name));
  }

  #wakeOwner(pod: Pod): void {
    for (const { metadata, spec } of this.#cluster.list('Deployment', pod.metadata.namespace)) {
      const labels = Object.entries(spec.selector.matchLabels);
      if (labels.every(([key, value]) => pod.metadata.labels?.[key] === value)) {
        this.wake(metadata.namespace, metadata.name);
      }
    }
  }

  #reconcile(namespace: string, name: string): void {
    const deployment = this.#cluster.find('Deployment', namespace, name);
    if (deployment === undefined) return;
    const sets = this.#cluster.list('ReplicaSet', namespace).filter((set) => isOwnedBy(set, deployment));
    const newest = this.#newest(deployment, sets);
    const old = sets.filter(({ metadata }) => metadata.uid !== newest?.metadata.uid);
    if (newest !== undefined && deployment.spec.paused !== true) this.#roll(deployment, newest, old);
    let refused: string | undefined;
    for (const set of newest === undefined ? old : [newest, ...old]) refused ??= this.#makePods(deployment, set);
    this.#prune(deployment, old);
    const pods = this.#cluster.list('Pod', namespace);
    for (const set of [...old, ...(newest === undefined ? [] : [newest])]) this.#observeSet(set, pods);
    observe(deployment, { newest, old, pods, refused });
    observeProgress(deployment, newest?.metadata.name ?? '', this.#isStalled(deployment, newest));
    this.#cluster.put(deployment);
  }

  /** Tells whether nothing has changed for the deployment's own deadline; comes back when that time is over. */
  #isStalled({ metadata, spec, status }: Deployment, newest: ReplicaSet | undefined): boolean {
    const { conditions: _, ...counts } = status;
    const state = JSON.stringify([newest?.metadata.uid, counts]);
    const known = this.#progress.get(metadata.uid);
    if (known?.state === state) return known.stalled;
    const entry = { state, stalled: false };
    this.#progress.set(metadata.uid, entry);
    const { namespace, name, uid } = metadata;
    this.#schedule.after(`deadline/${uid}`, spec.progressDeadlineSeconds, () => {
      entry.stalled = true;
      this.wake(namespace, name);
    });
    return false;
  }

  /** Finds the replica set of the deployment's template, or makes it; going back raises the number of an old one. */
  #newest(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
    const highest = Math.max(0, ...sets.map(revisionOf));
    let newest = sets.find(({ spec }) => hashOf(spec.template) === hashOf(deployment.spec.template));
    if (newest === undefined) {
      if (deployment.spec.paused === true) return undefined;
      newest = this.#makeSet(deployment);
    }
    if (revisionOf(newest) < highest || revisionOf(newest) === 0) {
      const revision = String(highest + 1);
      newest.metadata.annotations = { ...newest.metadata.annotations, [REVISION]: revision };
    }
    const annotations = { ...deployment.metadata.annotations, [REVISION]: String(revisionOf(newest)) };
    deployment.metadata.annotations = annotations;
    return newest;
  }

  #makeSet({ metadata, spec }: Deployment): ReplicaSet {
    const hash = hashOf(spec.template);
    const labels = { ...spec.template.metadata.labels, [HASH]: hash };
    return {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: newMetadata(metadata.namespace, `${metadata.name}-${hash}`, {
        generation: 1,
        labels,
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'Deployment', name: metadata.name, uid: metadata.uid, controller: true },
        ],
      }),
      spec: {
        replicas: 0,
        selector: { matchLabels: { ...spec.selector.matchLabels, [HASH]: hash } },
        template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
      },
      status: { replicas: 0 },
    };
  }

  /** Moves replicas from the old sets to the newest one, within surge and unavailability. */
  #roll(deployment: Deployment, newest: ReplicaSet, old: readonly ReplicaSet[]): void {
    const { replicas, strategy } = deployment.spec;
    const surge = share(strategy.rollingUpdate.maxSurge, replicas, Math.ceil);
    const unavailable = share(strategy.rollingUpdate.maxUnavailable, replicas, Math.floor);
    const total = old.reduce((sum, set) => sum + set.spec.replicas, newest.spec.replicas);
    const room = replicas + surge - total;
    newest.spec.replicas = Math.min(replicas, newest.spec.replicas + Math.max(0, room));
    const pods = this.#cluster.list('Pod', deployment.metadata.namespace).filter(isReady);
    const ready = (set: ReplicaSet): number => pods.filter((pod) => isOwnedBy(pod, set)).length;
    const available = [newest, ...old].reduce((sum, set) => sum + Math.min(ready(set), set.spec.replicas), 0);
    // One replica at least has to come up before the last old one goes.
    let spare = available - (replicas - (surge === 0 ? Math.max(1, unavailable) : unavailable));
    for (const set of old) {
      const broken = set.spec.replicas - Math.min(ready(set), set.spec.replicas);
      const gone = broken + Math.min(Math.max(0, spare), set.spec.replicas - broken);
      spare -= gone - broken;
      set.spec.replicas -= gone;
    }
  }

  /** Makes and ends pods until there are as many as the set wants; returns why one could not be made. */
  #makePods(deployment: Deployment, set: ReplicaSet): string | undefined {
    this.#cluster.put(set);
    const { namespace } = set.metadata;
    const alive = this.#cluster
      .list('Pod', namespace)
      .filter((pod) => isOwnedBy(pod, set) && pod.metadata.deletionTimestamp === undefined);
    const missing = set.spec.replicas - alive.length;
    if (
      missing > 0 &&
      this.#cluster.records.behaviours[`${namespace}/${deployment.metadata.name}`]?.kind === 'forbidden'
    ) {
      const message = `pods "${set.metadata.name}-" is forbidden: exceeded quota: compute, used: pods=2, limited: pods=2`;
      recordEvent(this.#cluster, set, 'Warning', 'FailedCreate', `Error creating: ${message}`, 'replicaset-controller');
      return message;
    }
    for (let made = 0; made < missing; made += 1) this.#makePod(set);
    const surplus = alive.sort((a, b) => Number(isReady(a)) - Number(isReady(b))).slice(0, Math.max(0, -missing));
    for (const pod of surplus) this.#kubelet.stop(pod);
    return undefined;
  }

  #makePod(set: ReplicaSet): void {
    const { namespace, name, uid } = set.metadata;
    const { metadata, spec } = structuredClone(set.spec.template);
    const { labels = {}, annotations = {} } = metadata;
    const pod: Pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: newMetadata(namespace, `${name}-${randomBytes(3).toString('hex').slice(0, 5)}`, {
        labels,
        annotations,
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid, controller: true }],
      }),
      spec,
      status: { phase: 'Pending', conditions: [] },
    };
    recordEvent(this.#cluster, set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    this.#cluster.put(pod);
    this.#kubelet.start(pod);
  }

  #observeSet(set: ReplicaSet, pods: readonly Pod[]): void {
    const current = this.#cluster.find('ReplicaSet', set.metadata.namespace, set.metadata.name);
    if (current === undefined) return;
    const own = pods.filter((pod) => isOwnedBy(pod, set) && pod.metadata.deletionTimestamp === undefined);
    const ready = own.filter(isReady).length;
    current.status = {
      observedGeneration: current.metadata.generation ?? 1,
      replicas: own.length,
      ...(ready > 0 && { readyReplicas: ready, availableReplicas: ready }),
    };
    this.#cluster.put(current);
  }

  /** Removes the oldest of the sets that are not used any more. */
  #prune({ spec }: Deployment, old: readonly ReplicaSet[]): void {
    const unused = old.filter((set) => set.spec.replicas === 0).sort((a, b) => revisionOf(b) - revisionOf(a));
    for (const set of unused.slice(spec.revisionHistoryLimit)) this.#cluster.remove(set);
  }
}

function revisionOf({ metadata }: ReplicaSet): number {
  return Number(metadata.annotations?.[REVISION] ?? 0);
}

/** Hashes what pods are made from, without the label that holds the hash. */
function hashOf({ metadata, spec }: PodTemplate): string {
  const { [HASH]: _, ...labels } = metadata.labels ?? {};
  const text = stable({ labels, annotations: metadata.annotations ?? {}, spec });
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}

/** Writes JSON with sorted keys and without empty values: clients send the fields in any order, and some of them empty. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    const entries = Object.entries(inner).filter(([, item]) => item !== null && JSON.stringify(item) !== '{}');
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function share(amount: string | number, of: number, round: (value: number) => number): number {
  return typeof amount === 'number' ? amount : round((Number.parseInt(amount, 10) / 100) * of);
}
