import { describe, expect, it } from 'vitest';
import { readPod } from './pod.ts';
import { explainPod, findSymptom } from './symptom.ts';

/** Returns a pod as the API describes it, with one container in this state. */
function podWith(container: object, more: object = {}) {
  const status = { phase: 'Pending', containerStatuses: [{ name: 'app', restartCount: 0, ...container }], ...more };
  return readPod({ metadata: { name: 'web-1', uid: 'u' }, status });
}

const waiting = (reason: string, message = '') => ({ state: { waiting: { reason, message } } });
const ended = (exitCode: number, reason = 'Error') => ({ terminated: { exitCode, reason } });
const running = { state: { running: {} } };

describe('findSymptom', () => {
  it.each([
    ['waits for its image', waiting('ContainerCreating')],
    ['has just ended for the first time', { state: ended(1) }],
    ['runs again after its first end', { ...running, restartCount: 1, lastState: ended(1) }],
    ['has done its work at the third try', { state: ended(0, 'Completed'), restartCount: 2, lastState: ended(1) }],
  ])('waits for a container that %s', (_, container) => {
    expect(findSymptom(podWith(container), 0)).toBeUndefined();
  });

  it.each([
    ['CrashLoopBackOff', { ...waiting('CrashLoopBackOff'), restartCount: 1, lastState: ended(3) }, false],
    ['OOMKilled', { ...waiting('CrashLoopBackOff'), restartCount: 1, lastState: ended(137, 'OOMKilled') }, false],
    ['CrashLoopBackOff', { ...running, restartCount: 2, lastState: ended(1) }, true],
    ['ErrImagePull', waiting('ErrImagePull', 'no such image'), undefined],
    ['ImagePullBackOff', waiting('ImagePullBackOff'), undefined],
    ['InvalidImageName', waiting('InvalidImageName'), undefined],
    ['CreateContainerConfigError', waiting('CreateContainerConfigError'), undefined],
  ])('finds %s', (reason, container, certain) => {
    const symptom = findSymptom(podWith(container), 0);
    expect([symptom?.reason, symptom?.certain]).toEqual([reason, certain]);
    expect(symptom?.container?.name).toBe('app');
  });

  it('looks at what prepares the pod, too', () => {
    const pod = podWith(waiting('PodInitializing'), {
      initContainerStatuses: [{ name: 'prepare', restartCount: 4, ...waiting('CrashLoopBackOff') }],
    });
    expect(findSymptom(pod, 0)?.detail).toContain('the container prepare has been restarted 4 times');
  });

  it('does not count what was before', () => {
    const pod = podWith({ ...running, restartCount: 7, lastState: ended(1) });
    expect(findSymptom(pod, 6)).toBeUndefined();
    expect(findSymptom(pod, 5)?.reason).toBe('CrashLoopBackOff');
  });

  it('finds a pod that fits on no node', () => {
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes' }];
    expect(findSymptom(podWith({}, { conditions }), 0)).toMatchObject({ reason: 'Unschedulable', detail: '0/3 nodes' });
  });
});

describe('explainPod', () => {
  it.each([
    [podWith(waiting('ContainerCreating', 'mounting')), 'web-1: the container app waits: ContainerCreating (mounting)'],
    [podWith(running), 'web-1 runs, but its readiness probe does not succeed'],
    [podWith({}), 'web-1 is Pending'],
    [podWith(running, { conditions: [{ type: 'Ready', status: 'True' }] }), 'web-1 is ready'],
  ])('%#: says %s', (pod, text) => {
    expect(explainPod(pod)).toBe(text);
  });
});
