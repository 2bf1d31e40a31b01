import { messageOf } from '../errors.ts';
import type { Digest } from '../image/digest.ts';
import type { Log } from '../util/log.ts';
import { formatDuration } from '../util/units.ts';
import type { BuiltImage } from './built-image.ts';
import type { Deadline } from './deadline.ts';
import { awaitsNode } from './diagnosis.ts';
import { type Kubectl, KubectlError } from './kubectl.ts';
import type { Pod } from './pod.ts';
import { Sightings } from './sightings.ts';
import { explainPod, findDeploymentSymptom, findSymptom, type Symptom } from './symptom.ts';
import { type Deployment, readWorkload, type Workload } from './workload.ts';

export interface RolloutWatchOptions {
  readonly kubectl: Kubectl;
  readonly deployment: string;
  /** The container whose image is proved. */
  readonly container: string;
  /** What every new pod must run; undefined proves only that they are ready. */
  readonly image: BuiltImage | undefined;
  /** The revision before the change: what belongs to it is not the answer. */
  readonly after: number;
  /** Says whether the tag points to something else by now. */
  readonly hasMoved: () => Promise<boolean>;
  readonly deadline: Deadline;
  readonly log: Log;
}

export type RolloutEnd =
  | { readonly result: 'rolled-out'; readonly running: readonly Digest[] }
  | { readonly result: 'superseded'; readonly reason: string }
  | {
      readonly result: 'failed';
      readonly symptom: Symptom;
      /** Of the replica set that failed; undefined when none was seen. */
      readonly revision: number | undefined;
    };

/** Milliseconds between two looks; a rollout that moves is looked at more often. */
const PAUSE = { first: 250, most: 2000, growth: 1.5 };

/** Milliseconds for which a symptom must have been there: one look may meet a state that is over in a moment. */
const CONFIRMED = 2000;

/** While old pods make room, new ones may fit nowhere for a moment longer. */
const CONFIRMED_UNSCHEDULABLE = 10_000;

/** Milliseconds after which a registry is not waited for any longer. */
const QUESTION_TIMEOUT = 60_000;

/** Milliseconds that a container without a readiness probe must stay up to be believed. */
const STEADY = 5000;

/**
 * Watches a deployment until its newest replica set has come up and runs the built image, or shows that it will not, or
 * the time is over.
 *
 * The deployment itself tells nothing about crashes, and calls itself complete with any image: its pods are looked at.
 */
export async function watchRollout(options: RolloutWatchOptions): Promise<RolloutEnd> {
  return new RolloutWatch(options).run();
}

class RolloutWatch {
  readonly #options: RolloutWatchOptions;
  readonly #kubectl: Kubectl;
  readonly #sightings = new Sightings();
  readonly #steady = new Sightings();
  /** By uid, how often a pod that was ready when it was first seen had been restarted before. */
  readonly #restartsBefore = new Map<string, number>();
  readonly #nodesAwaited = new Set<string>();
  /** Why the last look failed; empty when it did not. */
  #trouble = '';
  #said = '';

  constructor(options: RolloutWatchOptions) {
    this.#options = options;
    this.#kubectl = options.kubectl.until(options.deadline);
  }

  async run(): Promise<RolloutEnd> {
    const { deadline } = this.#options;
    let pause = PAUSE.first;
    let last: Workload | undefined;
    for (;;) {
      const workload = await this.#look();
      const end = workload === undefined ? undefined : await this.#judge(workload);
      if (end !== undefined) return end;
      last = workload ?? last;
      const left = deadline.left();
      if (left <= 0) return { result: 'failed', symptom: this.#timedOut(last), revision: last?.deployment.revision };
      pause = this.#report(workload) ? PAUSE.first : Math.min(PAUSE.most, pause * PAUSE.growth);
      await deadline.clock.sleep(Math.min(pause, left));
    }
  }

  /** An API that does not answer for a moment ends nothing; the deadline does. */
  async #look(): Promise<Workload | undefined> {
    try {
      const workload = await readWorkload(this.#kubectl, this.#options.deployment);
      this.#trouble = '';
      return workload;
    } catch (error) {
      if (!(error instanceof KubectlError)) throw error;
      this.#trouble = messageOf(error);
      this.#say(`Cannot look at the rollout now: ${this.#trouble}`, 'warning');
      return undefined;
    }
  }

  async #judge({ deployment, pods }: Workload): Promise<RolloutEnd | undefined> {
    if (!this.#isSeen(deployment)) return undefined;
    const foreign = pods.find((pod) => this.#runsAnother(pod));
    if (foreign !== undefined) return this.#judgeForeign(foreign, deployment);
    const symptom = await this.#findSymptom(deployment, pods);
    if (symptom !== undefined) return { result: 'failed', symptom, revision: deployment.revision };
    const running = pods.map((pod) => this.#digestOf(pod));
    const isUp = isComplete(deployment, pods) && this.#isSteady(deployment, pods);
    if (!isUp || (this.#options.image !== undefined && running.includes(undefined))) return undefined;
    return { result: 'rolled-out', running: [...new Set(running.filter((digest) => digest !== undefined))] };
  }

  /** Until the controller has seen the change, everything tells of the rollout before. */
  #isSeen({ observedGeneration, generation, revision }: Deployment): boolean {
    return observedGeneration >= generation && revision > this.#options.after;
  }

  #digestOf(pod: Pod): Digest | undefined {
    return pod.containers.find(({ name }) => name === this.#options.container)?.digest;
  }

  #runsAnother(pod: Pod): boolean {
    const { image } = this.#options;
    const digest = this.#digestOf(pod);
    return image !== undefined && digest !== undefined && !image.known.has(digest);
  }

  async #judgeForeign(pod: Pod, { containers, revision }: Deployment): Promise<RolloutEnd> {
    const digest = this.#digestOf(pod) ?? '';
    if (await this.#hasMoved()) {
      return {
        result: 'superseded',
        reason: `${pod.name} runs ${digest}: the tag has moved on while this was rolled out`,
      };
    }
    const policy = containers.find(({ name }) => name === this.#options.container)?.pullPolicy ?? '';
    const cure =
      policy === 'Always' ? '' : ` imagePullPolicy is ${policy}, so nodes keep an old image: set it to Always.`;
    const wanted = this.#options.image?.digest ?? '';
    const detail = `it runs ${digest} instead of ${wanted}.${cure}`;
    const container = pod.containers.find(({ name }) => name === this.#options.container);
    return {
      result: 'failed',
      symptom: { reason: 'WrongImage', detail, pod, ...(container !== undefined && { container }) },
      revision,
    };
  }

  /** What is not known to have moved on has not: a registry that does not answer excuses no wrong image. */
  async #hasMoved(): Promise<boolean> {
    const { deadline, hasMoved, log } = this.#options;
    try {
      return await deadline.limit('asking the registry for the tag', QUESTION_TIMEOUT, hasMoved);
    } catch (error) {
      log.warning(`Cannot find out whether the tag has moved on: ${messageOf(error)}`);
      return false;
    }
  }

  async #findSymptom(deployment: Deployment, pods: readonly Pod[]): Promise<Symptom | undefined> {
    const symptoms = new Map<string, Symptom>();
    for (const pod of pods) {
      const symptom = findSymptom(pod, this.#restartsOf(pod));
      if (symptom !== undefined) symptoms.set(pod.uid, symptom);
    }
    const general = findDeploymentSymptom(deployment);
    if (general !== undefined) symptoms.set('', general);
    const seen = this.#sightings.note([...symptoms.keys()], this.#options.deadline.clock.now());
    for (const [key, symptom] of symptoms) {
      const time = seen.get(key) ?? 0;
      if (symptom.reason === 'Unschedulable' && (time < CONFIRMED_UNSCHEDULABLE || (await this.#awaitsNode(symptom)))) {
        continue;
      }
      if (symptom.certain === true || time >= CONFIRMED) return key === '' ? addSuspect(symptom, pods) : symptom;
    }
    return undefined;
  }

  /** Remembers what a pod that was up already, because it belongs to an older rollout, had behind it. */
  #restartsOf(pod: Pod): number {
    const known = this.#restartsBefore.get(pod.uid);
    if (known !== undefined) return known;
    const before = pod.ready ? countRestarts(pod) : 0;
    this.#restartsBefore.set(pod.uid, before);
    return before;
  }

  async #awaitsNode({ pod }: Symptom): Promise<boolean> {
    if (pod === undefined) return false;
    if (this.#nodesAwaited.has(pod.uid)) return true;
    if (!(await awaitsNode(this.#kubectl, pod))) return false;
    this.#nodesAwaited.add(pod.uid);
    this.#options.log.warning(`${pod.name} fits on no node; the autoscaler brings one.`);
    return true;
  }

  /** A container without a probe is ready as soon as it is started, between two crashes too. */
  #isSteady({ containers }: Deployment, pods: readonly Pod[]): boolean {
    const key = pods.map((pod) => `${pod.uid}/${countRestarts(pod)}`).join();
    const time = this.#steady.note([key], this.#options.deadline.clock.now()).get(key) ?? 0;
    return containers.every(({ probed }) => probed) || time >= STEADY;
  }

  #timedOut(workload: Workload | undefined): Symptom {
    const reason = 'Timeout';
    const after = `after ${formatDuration(this.#options.deadline.milliseconds)}`;
    if (workload === undefined) {
      return { reason, detail: `${after} the deployment could not be read: ${this.#trouble}` };
    }
    const { deployment, pods } = workload;
    if (!this.#isSeen(deployment)) {
      return { reason, detail: `${after} the deployment controller has not seen the change.` };
    }
    const late = pods.filter(({ ready }) => !ready);
    if (late.length > 0) return addSuspect({ reason, detail: `${after}: ${late.map(explainPod).join('; ')}.` }, pods);
    const unknown = pods.find((pod) => this.#digestOf(pod) === undefined);
    if (unknown !== undefined && pods.length >= deployment.replicas) {
      return { reason, detail: `${after} the node has not told which image ${unknown.name} runs.`, pod: unknown };
    }
    const counts = `${pods.length} of ${deployment.replicas} new pods are there, ${deployment.total} pods in all`;
    return { reason, detail: `${after} the deployment is not complete: ${counts}.` };
  }

  /** Tells how far the rollout is when that has changed; returns whether it has. */
  #report(workload: Workload | undefined): boolean {
    if (workload === undefined || !this.#isSeen(workload.deployment)) return false;
    const { deployment, pods } = workload;
    const ready = pods.filter((pod) => pod.ready).length;
    return this.#say(`${ready} of ${deployment.replicas} new pods ready, ${deployment.total} pods in all`, 'info');
  }

  #say(line: string, level: 'info' | 'warning'): boolean {
    if (line === this.#said) return false;
    this.#said = line;
    this.#options.log[level](line);
    return true;
  }
}

/** Says whether the new pods, and no others, are up. */
export function isComplete(deployment: Deployment, pods: readonly Pod[]): boolean {
  const { replicas, total, updated, available, generation, observedGeneration } = deployment;
  return (
    observedGeneration >= generation &&
    [total, updated, available, pods.length].every((count) => count === replicas) &&
    pods.every(({ ready }) => ready)
  );
}

function countRestarts({ containers }: Pod): number {
  return containers.reduce((sum, { restarts }) => sum + restarts, 0);
}

/** Names the first pod that is not ready: it is the one to look at. */
function addSuspect(symptom: Symptom, pods: readonly Pod[]): Symptom {
  const pod = pods.find(({ ready }) => !ready);
  if (pod === undefined) return symptom;
  const container = pod.containers.find(({ running, ended }) => running || ended !== undefined);
  return { ...symptom, pod, ...(container !== undefined && { container }) };
}
