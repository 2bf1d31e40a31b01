import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { readJsonFile, writeJsonFile } from '../github/json-file.ts';
import type { Behaviour } from './behaviour.ts';
import type { PodRecord } from './kubelet.ts';
import { type Kind, type KubernetesObject, type Metadata, timestamp } from './objects.ts';

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly version: number;
  readonly object: KubernetesObject;
}

/** What is kept on disk: the objects, and what the sandbox knows besides the API. */
interface Stored {
  version: number;
  objects: KubernetesObject[];
  /** `namespace/deployment` to what its new pods do. */
  behaviours: Record<string, Behaviour>;
  /** How far the kubelet is, by the uid of the pod. */
  pods: Record<string, PodRecord>;
  /** Image references on the node's disk, and what they were when they were pulled. */
  pulled: Record<string, string>;
}

type ObjectOfKind<K extends Kind> = Extract<KubernetesObject, { kind: K }>;

/** Changes that are remembered for clients who watch from a version; older ones have to list again. */
const MEMORY = 2000;

/**
 * The objects of a cluster with a version that every change raises, as etcd keeps them.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 */
export class Cluster {
  readonly #file: string;
  readonly #stored: Stored;
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #changes: Change[] = [];
  readonly #oldest: number;

  constructor(directory: string) {
    this.#file = join(directory, 'cluster.json');
    this.#stored = readJsonFile<Stored>(this.#file) ?? {
      version: 1,
      objects: [],
      behaviours: {},
      pods: {},
      pulled: {},
    };
    for (const object of this.#stored.objects) this.#objects.set(keyOf(object.kind, object.metadata), object);
    this.#oldest = this.#stored.version;
  }

  get version(): number {
    return this.#stored.version;
  }

  /** What is known besides the API; call `save` after a change. */
  get records(): Pick<Stored, 'behaviours' | 'pods' | 'pulled'> {
    return this.#stored;
  }

  save(): void {
    this.#stored.objects = [...this.#objects.values()];
    writeJsonFile(this.#file, this.#stored);
  }

  /** Returns a copy: only `put` changes what is kept. */
  find<K extends Kind>(kind: K, namespace: string, name: string): ObjectOfKind<K> | undefined {
    const found = this.#objects.get(keyOf(kind, { namespace, name }));
    return found === undefined ? undefined : (structuredClone(found) as ObjectOfKind<K>);
  }

  /** Returns copies, oldest first; of all namespaces when none is given. */
  list<K extends Kind>(kind: K, namespace?: string): ObjectOfKind<K>[] {
    return [...this.#objects.values()]
      .filter((object) => object.kind === kind && (namespace === undefined || object.metadata.namespace === namespace))
      .map((object) => structuredClone(object) as ObjectOfKind<K>);
  }

  /** Adds an object or replaces it; one that is equal to what is kept changes nothing. */
  put(object: KubernetesObject): void {
    const key = keyOf(object.kind, object.metadata);
    const before = this.#objects.get(key);
    if (before !== undefined && sameContent(before, object)) return;
    this.#stored.version += 1;
    const next = structuredClone(object);
    next.metadata.resourceVersion = String(this.#stored.version);
    this.#objects.set(key, next);
    this.#tell(before === undefined ? 'ADDED' : 'MODIFIED', next);
  }

  remove(object: KubernetesObject): void {
    if (!this.#objects.delete(keyOf(object.kind, object.metadata))) return;
    this.#stored.version += 1;
    const last = structuredClone(object);
    last.metadata.resourceVersion = String(this.#stored.version);
    this.#tell('DELETED', last);
  }

  /** Is told of each change, until the returned function is called. */
  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Returns the changes after `version`; undefined when they are not remembered that far back. */
  changesAfter(version: number): Change[] | undefined {
    const oldest = this.#changes.length === MEMORY ? (this.#changes[0]?.version ?? 0) : this.#oldest;
    return version < oldest ? undefined : this.#changes.filter((change) => change.version > version);
  }

  #tell(type: Change['type'], object: KubernetesObject): void {
    this.save();
    const change = { type, version: this.#stored.version, object };
    this.#changes.push(change);
    if (this.#changes.length > MEMORY) this.#changes.shift();
    for (const listener of this.#listeners) listener(change);
  }
}

function keyOf(kind: Kind, { namespace, name }: Pick<Metadata, 'namespace' | 'name'>): string {
  return `${kind}/${namespace}/${name}`;
}

function sameContent(a: KubernetesObject, b: KubernetesObject): boolean {
  const text = (object: KubernetesObject): string =>
    JSON.stringify({ ...object, metadata: { ...object.metadata, resourceVersion: '' } });
  return text(a) === text(b);
}

/** Makes the metadata of a new object. */
export function newMetadata(namespace: string, name: string, more: Partial<Metadata> = {}): Metadata {
  return { name, namespace, uid: randomUUID(), resourceVersion: '', creationTimestamp: timestamp(), ...more };
}
