import { type Behaviour, RUN } from './behaviour.ts';
import type { Cluster } from './cluster.ts';
import { recordEvent } from './events.ts';
import { type ContainerState, type ContainerStatus, type Pod, setCondition, timestamp } from './objects.ts';
import type { Schedule } from './schedule.ts';

/** How far a pod is, kept beside it so that a restart of the sandbox goes on from there. */
export interface PodRecord {
  phase:
    | 'scheduling'
    | 'preparing'
    | 'pulling'
    | 'starting'
    | 'becoming-ready'
    | 'crashing'
    | 'backing-off'
    | 'settled';
  /** Failed pulls, or ends of the container: what the back-off grows with. */
  failures: number;
  log: string[];
  /** What the container wrote before it was last restarted. */
  previousLog: string[] | undefined;
}

/** Tells which digest a node would get for an image reference; undefined when there is no such image. */
export type ImageResolver = (image: string) => Promise<string | undefined>;

const NODE = 'sandbox-node';

/** Seconds of the cluster. */
const TIMES = { schedule: 0.1, prepare: 0.2, pull: 1, start: 0.2, ready: 0.5, run: 0.5, look: 5, stop: 1 };

/** The real back-off begins with 10 seconds and ends at 5 minutes. */
const BACK_OFF = { first: 10, most: 300 };

/**
 * Brings pods up, one small step after the other, and takes them down, with the states, reasons and events that a real
 * kubelet and scheduler show on the way.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
 */
export class Kubelet {
  readonly #cluster: Cluster;
  readonly #schedule: Schedule;
  readonly #resolve: ImageResolver;

  constructor(cluster: Cluster, schedule: Schedule, resolve: ImageResolver) {
    this.#cluster = cluster;
    this.#schedule = schedule;
    this.#resolve = resolve;
    for (const pod of cluster.list('Pod')) {
      if (pod.metadata.deletionTimestamp === undefined) this.#next(pod, TIMES.schedule);
      else this.stop(pod);
    }
  }

  /** Takes charge of a new pod. */
  start(pod: Pod): void {
    this.#cluster.records.pods[pod.metadata.uid] = {
      phase: 'scheduling',
      failures: 0,
      log: [],
      previousLog: undefined,
    };
    this.#next(pod, TIMES.schedule);
  }

  /** Looks at once at the pods that wait, because something about them has changed. */
  wake(): void {
    for (const pod of this.#cluster.list('Pod')) {
      if (pod.metadata.deletionTimestamp === undefined) this.#next(pod, TIMES.schedule);
    }
  }

  /** Ends a pod; it is listed as terminating until it is gone. */
  stop(pod: Pod): void {
    this.#schedule.cancel(pod.metadata.uid);
    this.#cluster.put({
      ...pod,
      metadata: { ...pod.metadata, deletionTimestamp: pod.metadata.deletionTimestamp ?? timestamp() },
    });
    this.#schedule.after(`stop/${pod.metadata.uid}`, TIMES.stop, () => {
      delete this.#cluster.records.pods[pod.metadata.uid];
      const { namespace, name } = pod.metadata;
      const last = this.#cluster.find('Pod', namespace, name);
      if (last !== undefined) this.#cluster.remove(last);
    });
  }

  #next(pod: Pod, seconds: number): void {
    const { namespace, name, uid } = pod.metadata;
    this.#schedule.after(uid, seconds, async () => {
      const current = this.#cluster.find('Pod', namespace, name);
      const record = this.#cluster.records.pods[uid];
      if (current?.metadata.uid !== uid || record === undefined) return;
      const pause = await this.#step(current, record);
      const now = this.#cluster.find('Pod', namespace, name);
      if (this.#schedule.closed || now === undefined || now.metadata.deletionTimestamp !== undefined) return;
      this.#cluster.put(current);
      this.#cluster.save();
      if (pause !== undefined) this.#next(current, pause);
    });
  }

  /** Takes one step and returns the seconds to the next one; undefined when nothing more happens by itself. */
  async #step(pod: Pod, record: PodRecord): Promise<number | undefined> {
    const behaviour = this.#behaviourOf(pod);
    switch (record.phase) {
      case 'scheduling':
        return this.#place(pod, record, behaviour);
      case 'preparing':
        return this.#prepare(pod, record);
      case 'pulling':
        return this.#pull(pod, record, behaviour);
      case 'starting':
        return this.#run(pod, record, behaviour);
      case 'becoming-ready':
        if (behaviour.kind === 'hang') return this.#failProbe(pod);
        setReady(pod, true);
        record.phase = 'settled';
        return undefined;
      case 'crashing':
        return this.#crash(pod, record, behaviour);
      case 'backing-off':
        statusOf(pod).restartCount += 1;
        record.previousLog = record.log;
        record.log = [];
        record.phase = 'starting';
        return 0;
      case 'settled':
        return undefined;
    }
  }

  #place(pod: Pod, record: PodRecord, behaviour: Behaviour): number {
    if (behaviour.kind === 'unschedulable') {
      const message = '0/1 nodes are available: 1 Insufficient memory.';
      setCondition(pod.status.conditions, { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message });
      recordEvent(this.#cluster, pod, 'Warning', 'FailedScheduling', message, 'default-scheduler');
      if (behaviour.scaleUp === true) {
        const scale = 'pod triggered scale-up: [{sandbox 1->2 (max: 3)}]';
        recordEvent(this.#cluster, pod, 'Normal', 'TriggeredScaleUp', scale, 'cluster-autoscaler');
      }
      return TIMES.look;
    }
    pod.spec.nodeName = NODE;
    setCondition(pod.status.conditions, { type: 'PodScheduled', status: 'True' });
    const { namespace, name } = pod.metadata;
    const message = `Successfully assigned ${namespace}/${name} to ${NODE}`;
    recordEvent(this.#cluster, pod, 'Normal', 'Scheduled', message, 'default-scheduler');
    pod.status.containerStatuses = pod.spec.containers.map((container) => ({
      name: container.name,
      image: container.image,
      imageID: '',
      ready: false,
      restartCount: 0,
      state: { waiting: { reason: 'ContainerCreating' } },
      lastState: {},
    }));
    record.phase = 'preparing';
    return TIMES.prepare;
  }

  #prepare(pod: Pod, record: PodRecord): number {
    recordEvent(this.#cluster, pod, 'Normal', 'Pulling', `Pulling image "${imageOf(pod)}"`);
    record.phase = 'pulling';
    return TIMES.pull;
  }

  async #pull(pod: Pod, record: PodRecord, behaviour: Behaviour): Promise<number> {
    const image = imageOf(pod);
    const { pulled } = this.#cluster.records;
    const cached = pod.spec.containers[0]?.imagePullPolicy === 'Always' ? undefined : pulled[image];
    const digest = behaviour.kind === 'pull-error' ? undefined : (cached ?? (await this.#resolve(image)));
    if (digest === undefined) return this.#failPull(pod, record, image);
    pulled[image] = digest;
    // What the container will run for ever, whatever becomes of the tag.
    statusOf(pod).imageID = `${image.replace(/@.*$|:[^:/]*$/, '')}@${digest}`;
    recordEvent(this.#cluster, pod, 'Normal', 'Pulled', `Successfully pulled image "${image}"`);
    record.phase = 'starting';
    record.failures = 0;
    return TIMES.start;
  }

  #failPull(pod: Pod, record: PodRecord, image: string): number {
    const waiting = statusOf(pod).state.waiting?.reason;
    if (waiting === 'ErrImagePull') {
      setState(pod, { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` } });
      recordEvent(this.#cluster, pod, 'Normal', 'BackOff', `Back-off pulling image "${image}"`);
      record.failures += 1;
      return backOff(record.failures);
    }
    const message = `failed to pull and unpack image "${image}": failed to resolve reference: not found`;
    setState(pod, { waiting: { reason: 'ErrImagePull', message } });
    recordEvent(this.#cluster, pod, 'Warning', 'Failed', `Failed to pull image "${image}": ${message}`);
    return TIMES.start;
  }

  #run(pod: Pod, record: PodRecord, behaviour: Behaviour): number | undefined {
    if (behaviour.kind === 'config-error') {
      const message = 'secret "package-registry-tls" not found';
      setState(pod, { waiting: { reason: 'CreateContainerConfigError', message } });
      recordEvent(this.#cluster, pod, 'Warning', 'Failed', `Error: ${message}`);
      return TIMES.look;
    }
    setState(pod, { running: { startedAt: timestamp() } });
    pod.status.phase = 'Running';
    for (const other of pod.status.containerStatuses?.slice(1) ?? []) {
      Object.assign(other, { state: { running: { startedAt: timestamp() } }, ready: true, started: true });
    }
    recordEvent(this.#cluster, pod, 'Normal', 'Started', `Started container ${statusOf(pod).name}`);
    record.log.push(`${timestamp()} INFO Package registry started, listening on 0.0.0.0:8080`);
    const probed = pod.spec.containers[0]?.readinessProbe !== undefined;
    // Without a probe whatever runs counts as ready.
    setReady(pod, !probed);
    if (crashes(behaviour, pod, record)) {
      record.phase = 'crashing';
      return TIMES.run;
    }
    if (!probed) {
      record.phase = 'settled';
      return undefined;
    }
    record.phase = 'becoming-ready';
    return behaviour.kind === 'slow' ? behaviour.seconds : TIMES.ready;
  }

  #failProbe(pod: Pod): number {
    const message = 'Readiness probe failed: HTTP probe failed with statuscode: 503';
    recordEvent(this.#cluster, pod, 'Warning', 'Unhealthy', message);
    return TIMES.look;
  }

  /** The first end is followed by a restart at once, every later one by a pause that doubles. */
  #crash(pod: Pod, record: PodRecord, behaviour: Behaviour): number {
    const status = statusOf(pod);
    const { running } = status.state;
    if (running !== undefined) {
      const killed = behaviour.kind === 'out-of-memory';
      if (behaviour.kind === 'crash-loop')
        record.log.push(...(behaviour.log ?? ['fatal: the sandbox told it to fail']));
      const exitCode = behaviour.kind === 'crash-loop' ? (behaviour.exitCode ?? 1) : 137;
      const { startedAt } = running;
      const ended = { exitCode, reason: killed ? 'OOMKilled' : 'Error', startedAt, finishedAt: timestamp() };
      setState(pod, { terminated: ended });
      setReady(pod, false);
      record.failures += 1;
      if (record.failures > 1) return TIMES.start;
    } else {
      const { name } = status;
      status.lastState = status.state;
      const message = `back-off ${backOff(record.failures - 1)}s restarting failed container=${name} pod=${pod.metadata.name}`;
      setState(pod, { waiting: { reason: 'CrashLoopBackOff', message } });
      recordEvent(this.#cluster, pod, 'Warning', 'BackOff', `Back-off restarting failed container ${name}`);
    }
    record.phase = 'backing-off';
    return record.failures > 1 ? backOff(record.failures - 1) : 0;
  }

  #behaviourOf(pod: Pod): Behaviour {
    const owner = pod.metadata.ownerReferences?.[0]?.name.replace(/-[^-]*$/, '') ?? '';
    return this.#cluster.records.behaviours[`${pod.metadata.namespace}/${owner}`] ?? RUN;
  }
}

function crashes(behaviour: Behaviour, pod: Pod, { failures }: PodRecord): boolean {
  if (behaviour.kind === 'out-of-memory') return true;
  if (behaviour.kind !== 'crash-loop') return false;
  const concerned = behaviour.digest === undefined || statusOf(pod).imageID.endsWith(`@${behaviour.digest}`);
  return concerned && failures < (behaviour.times ?? Number.POSITIVE_INFINITY);
}

function backOff(failures: number): number {
  return Math.min(BACK_OFF.most, BACK_OFF.first * 2 ** (failures - 1));
}

/** The first container is the one that things happen to; the others run. */
function statusOf(pod: Pod): ContainerStatus {
  const [status] = pod.status.containerStatuses ?? [];
  if (status === undefined) throw new Error(`the pod ${pod.metadata.name} has no container`);
  return status;
}

function imageOf(pod: Pod): string {
  return statusOf(pod).image;
}

function setState(pod: Pod, state: ContainerState): void {
  const status = statusOf(pod);
  if (state.running !== undefined && status.state.terminated !== undefined) status.lastState = status.state;
  status.state = state;
  status.started = state.running !== undefined;
}

function setReady(pod: Pod, ready: boolean): void {
  statusOf(pod).ready = ready;
  const text = ready ? 'True' : 'False';
  const why = ready ? {} : { reason: 'ContainersNotReady' };
  for (const type of ['ContainersReady', 'Ready']) setCondition(pod.status.conditions, { type, status: text, ...why });
}
