import type { ContainerState, Pod } from './pod.ts';
import type { Deployment } from './workload.ts';

/** Why a rollout does not come to a good end. */
export interface Symptom {
  /** The word that Kubernetes has for it: `CrashLoopBackOff`, `OOMKilled`, `Unschedulable`, … */
  readonly reason: string;
  readonly detail: string;
  /** The pod and the container that show it, when one does. */
  readonly pod?: Pod;
  readonly container?: ContainerState;
  /** True when it need not be seen again to be believed. */
  readonly certain?: boolean;
}

/** Reasons for waiting that a container does not get out of by itself, or only after minutes. */
const FATAL = new Set([
  'CrashLoopBackOff',
  'CreateContainerConfigError',
  'CreateContainerError',
  'ErrImageNeverPull',
  'ErrImagePull',
  'ImageInspectError',
  'ImagePullBackOff',
  'InvalidImageName',
  'RegistryUnavailable',
  'RunContainerError',
]);

/** As many restarts in one rollout are a loop, whatever the container does at the moment we look. */
const LOOP = 2;

/**
 * Returns what is wrong with a pod, undefined when it is ready or may still become so. `restarts` is how often its
 * containers had been restarted before the rollout.
 */
export function findSymptom(pod: Pod, restarts: number): Symptom | undefined {
  if (pod.unschedulable !== undefined) return { reason: 'Unschedulable', detail: pod.unschedulable, pod };
  for (const container of pod.containers) {
    const symptom = findContainerSymptom(container, restarts);
    if (symptom !== undefined) return { ...symptom, pod, container };
  }
  return undefined;
}

function findContainerSymptom(container: ContainerState, before: number): Symptom | undefined {
  const { waiting, ended, restarts, name } = container;
  const finished = !container.running && waiting === undefined && ended?.exitCode === 0;
  const loops = restarts - before >= LOOP && !finished;
  if (waiting?.reason === 'CrashLoopBackOff' || loops) {
    const how = ended === undefined ? '' : ` It ended with exit code ${ended.exitCode}${formatReason(ended.reason)}.`;
    return {
      reason: ended?.reason === 'OOMKilled' ? 'OOMKilled' : 'CrashLoopBackOff',
      detail: `the container ${name} has been restarted ${restarts === 1 ? 'once' : `${restarts} times`}.${how}`,
      certain: loops,
    };
  }
  if (waiting === undefined || !FATAL.has(waiting.reason)) return undefined;
  return { reason: waiting.reason, detail: `the container ${name}: ${waiting.message || waiting.reason}` };
}

function formatReason(reason: string): string {
  return reason === '' || reason === 'Error' ? '' : ` (${reason})`;
}

/** Returns what the deployment's controller complains about. */
export function findDeploymentSymptom({ conditions }: Deployment): Symptom | undefined {
  const refused = conditions.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
  if (refused !== undefined) return { reason: refused.reason, detail: refused.message };
  const stalled = conditions.find(
    ({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded',
  );
  return stalled === undefined ? undefined : { reason: stalled.reason, detail: stalled.message };
}

/** Says why a pod is not ready, for people. */
export function explainPod({ name, ready, unschedulable, phase, containers }: Pod): string {
  if (ready) return `${name} is ready`;
  if (unschedulable !== undefined) return `${name} fits on no node: ${unschedulable}`;
  const waiting = containers.find((container) => container.waiting !== undefined);
  if (waiting?.waiting !== undefined) {
    const { reason, message } = waiting.waiting;
    return `${name}: the container ${waiting.name} waits: ${reason}${message === '' ? '' : ` (${message})`}`;
  }
  const running = containers.some((container) => container.running);
  return running ? `${name} runs, but its readiness probe does not succeed` : `${name} is ${phase || 'not started'}`;
}
