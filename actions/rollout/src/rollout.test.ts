import { setTimeout as sleep } from 'node:timers/promises';
import { makeIndex } from '@slipway/sandbox/images/sample-index';
import type { Behaviour } from '@slipway/sandbox/kubernetes/behaviour';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cluster, patches, rollOut, runtime, setUp, tearDown, UNAVAILABLE, useStandIn } from './fixture.ts';

beforeEach(setUp);
afterEach(tearDown);

describe('a rollout', () => {
  beforeEach(useStandIn);

  it.each<[string, Behaviour, RegExp]>([
    ['is killed for its memory', { kind: 'out-of-memory' }, /OOMKilled: .*exit code 137/],
    ['cannot be pulled', { kind: 'pull-error' }, /(ErrImagePull|ImagePullBackOff): the container package-registry: /],
    [
      'lacks a secret',
      { kind: 'config-error' },
      /CreateContainerConfigError: .*secret "package-registry-tls" not found/,
    ],
    ['fits on no node', { kind: 'unschedulable' }, /Unschedulable: 0\/1 nodes are available/],
  ])('that %s fails with the reason, long before its time is over', async (_, behaviour, reason) => {
    const before = await cluster.publish('one');
    await cluster.deploy();
    await cluster.publish('two');
    cluster.behave(behaviour);
    const outputs = await rollOut({ timeout: '9h' });
    expect(outputs.result).toBe('failed');
    expect(outputs.reason).toMatch(new RegExp(`^${cluster.deployment}-\\S+: ${reason.source}`));
    expect(runtime.failures).toHaveLength(1);
    expect(
      cluster.digests().filter((digest) => digest === before),
      'the old ones stay',
    ).toHaveLength(2);
  });

  it('fails when no pod may be made', async () => {
    await cluster.publish('one');
    await cluster.deploy();
    await cluster.publish('two');
    cluster.behave({ kind: 'forbidden' });
    const outputs = await rollOut({ timeout: '9h' });
    expect(outputs.reason).toMatch(/^FailedCreate: pods ".*" is forbidden: exceeded quota/);
  });

  it('names at its deadline the pod that is not ready, and why', async () => {
    await cluster.publish('one');
    await cluster.deploy();
    await cluster.publish('two');
    cluster.behave({ kind: 'hang' });
    const outputs = await rollOut({ timeout: '60s' });
    expect(outputs.result).toBe('failed');
    expect(outputs.reason).toMatch(/Timeout: after 1 min 0 s: \S+ runs, but its readiness probe does not succeed\.$/);
    expect(runtime.lines.join('\n')).toContain('Readiness probe failed');
  });

  it('fails when the controller itself has given up', async () => {
    await cluster.publish('one');
    await cluster.deploy({ progressDeadlineSeconds: 20 });
    await cluster.publish('two');
    cluster.behave({ kind: 'hang' });
    const outputs = await rollOut({ timeout: '9h' });
    expect(outputs.reason).toMatch(/ProgressDeadlineExceeded: .* timed out progressing/);
  });

  it('waits for a node that the autoscaler brings', async () => {
    await cluster.publish('one');
    await cluster.deploy();
    const digest = await cluster.publish('two');
    cluster.behave({ kind: 'unschedulable', scaleUp: true });
    const rollout = rollOut({ timeout: '9h' });
    while (!runtime?.lines.some((line) => line.includes('the autoscaler brings one'))) await sleep(10);
    cluster.behave({ kind: 'run' });
    expect(await rollout).toMatchObject({ result: 'rolled-out', digest });
  });

  it.each<[string, Behaviour]>([
    ['is slow', { kind: 'slow', seconds: 10 }],
    ['crashes once', { kind: 'crash-loop', times: 1 }],
  ])('that %s comes to a good end', async (_, behaviour) => {
    await cluster.publish('one');
    await cluster.deploy();
    const digest = await cluster.publish('two');
    cluster.behave(behaviour);
    expect(await rollOut()).toMatchObject({ result: 'rolled-out', digest });
    expect(cluster.digests()).toEqual([digest, digest]);
  });

  it('does not take a container for ready that only was between two crashes', async () => {
    await cluster.publish('one');
    await cluster.deploy({ probe: false });
    await cluster.publish('two');
    cluster.behave({ kind: 'crash-loop' });
    expect((await rollOut({ timeout: '9h' })).reason).toMatch(/CrashLoopBackOff/);
  });

  it('knows an index by the manifest of a platform, too', async () => {
    await cluster.publish('one');
    cluster.reportPlatform('arm64');
    await cluster.publish(makeIndex([await cluster.makeSample('a'), await cluster.makeSample('b', 'arm64')]));
    await cluster.deploy();
    const arm64 = await cluster.makeSample('d', 'arm64');
    const index = makeIndex([await cluster.makeSample('c'), arm64], { attestations: true });
    await cluster.publish(index);
    expect(await rollOut()).toMatchObject({ result: 'rolled-out', digest: index.manifest.digest });
    expect(cluster.digests()).toEqual([arm64.manifest.digest, arm64.manifest.digest]);
    expect(await rollOut()).toMatchObject({ result: 'unchanged' });
  });

  it('is superseded, and restarts nothing, when the tag has moved on before', async () => {
    const digest = await cluster.publish('one');
    const newer = await cluster.publish('two');
    await cluster.deploy();
    const outputs = await rollOut({ digest });
    expect(outputs).toMatchObject({ result: 'superseded', digest, changed: false });
    expect(outputs.reason).toContain(newer);
    expect(cluster.changes()).toBe(0);
    expect(runtime.failures).toEqual([]);
  });

  it('is superseded when the tag moves on while it waits', async () => {
    await cluster.publish('one');
    await cluster.deploy();
    const digest = await cluster.publish('two');
    cluster.beforePull(() => cluster.publish('three'));
    const outputs = await rollOut();
    expect(outputs).toMatchObject({ result: 'superseded', digest, changed: true });
    expect(outputs.reason).toMatch(/the tag has moved on/);
    expect(runtime.failures).toEqual([]);
  });

  it('fails when nodes keep the old image, and says what to set', async () => {
    const before = await cluster.publish('one');
    await cluster.deploy({ imagePullPolicy: 'IfNotPresent' });
    await cluster.publish('two');
    const outputs = await rollOut();
    expect(outputs.result).toBe('failed');
    expect(outputs.reason).toMatch(new RegExp(`WrongImage: it runs ${before} .* set it to Always\\.$`));
    expect(runtime.lines.join('\n')).toMatch(/warning: .*imagePullPolicy IfNotPresent/);
  });

  it('outlives an API that does not answer for a while', async () => {
    await cluster.publish('one');
    await cluster.deploy();
    const digest = await cluster.publish('two');
    cluster.kubernetes.failNext({ kind: 'lose-reply', method: 'PATCH' });
    cluster.behave({ kind: 'slow', seconds: 20 });
    const rollout = rollOut();
    while (!runtime?.lines.some((line) => line.includes('new pods ready'))) await sleep(5);
    cluster.kubernetes.failNext({ kind: 'status', status: 503, path: /pods/, times: 2, body: '{}' });
    expect(await rollout).toMatchObject({ result: 'rolled-out', digest });
    expect(runtime.lines.join('\n')).toMatch(/warning: Cannot look at the rollout now/);
  });

  it('gets over an API that is down for the first look and for the restart', async () => {
    await cluster.publish('one');
    await cluster.deploy();
    const digest = await cluster.publish('two');
    cluster.kubernetes.failNext({ ...UNAVAILABLE, method: 'GET', path: /deployments/ });
    cluster.kubernetes.failNext({ ...UNAVAILABLE, method: 'PATCH' });
    expect(await rollOut()).toMatchObject({ result: 'rolled-out', digest });
    expect(runtime.lines.filter((line) => line.startsWith('warning: Trying again: '))).toHaveLength(2);
    expect(patches()).toEqual([503, 200]);
  });

  it('does not take a scaling for the restart that the API refused', async () => {
    await cluster.publish('one');
    await cluster.deploy();
    const digest = await cluster.publish('two');
    cluster.kubernetes.failNext({ ...UNAVAILABLE, method: 'PATCH' });
    const rollout = rollOut();
    while (patches().length === 0) await sleep(1);
    const deployment = cluster.kubernetes.deployment(cluster.namespace, cluster.deployment);
    if (deployment === undefined) throw new Error('there is no deployment');
    const scaled = (deployment.metadata.generation ?? 1) + 1;
    deployment.metadata.generation = scaled;
    deployment.status.observedGeneration = scaled;
    expect(await rollout).toMatchObject({ result: 'rolled-out', digest });
    expect(patches()).toEqual([503, 200]);
  });

  it('does not restart a second time when only the answer was lost', async () => {
    await cluster.publish('one');
    await cluster.deploy();
    const digest = await cluster.publish('two');
    cluster.kubernetes.failNext({ kind: 'lose-reply', method: 'PATCH' });
    expect(await rollOut()).toMatchObject({ result: 'rolled-out', digest });
    expect(patches()).toHaveLength(1);
  });

  it('fails at its deadline, with outputs, when the API stays down', async () => {
    const digest = await cluster.publish('one');
    cluster.kubernetes.failNext({ ...UNAVAILABLE, times: 10_000 });
    const outputs = await rollOut({ timeout: '20s' });
    expect(outputs).toMatchObject({ result: 'failed', digest, changed: false });
    expect(outputs.plan).toEqual({
      distribution: 'staging',
      namespace: cluster.namespace,
      deployment: cluster.deployment,
      digest,
    });
    expect(outputs.reason).toMatch(/^kubectl get deployment .* (failed: .*ServiceUnavailable|has not ended)/);
    expect(runtime.failures).toEqual([`The rollout of staging failed: ${outputs.reason}`]);
    expect(runtime.summary.toString()).toContain('failed');
  });

  it('fails with outputs when the registry cannot say where the tag points to', async () => {
    await cluster.publish('one');
    await cluster.deploy();
    const digest = await cluster.publish('two');
    cluster.registry.failNext({ kind: 'status', status: 403, path: /manifests\/staging/, times: 100 });
    expect(await rollOut({ digest })).toMatchObject({ result: 'failed', digest, changed: false });
    expect(runtime.failures).toHaveLength(1);
  });

  it('takes back a wrong image although the registry does not say whether the tag has moved on', async () => {
    const before = await cluster.publish('one');
    await cluster.deploy({ imagePullPolicy: 'IfNotPresent' });
    await cluster.publish('two');
    const rollout = rollOut({ undo: 'true' });
    while (patches().length === 0) await sleep(1);
    cluster.registry.failNext({ kind: 'status', status: 403, path: /manifests\/staging/, times: 100 });
    const outputs = await rollout;
    expect(outputs).toMatchObject({ result: 'failed', changed: true });
    expect(outputs.reason).toMatch(new RegExp(`WrongImage: it runs ${before}.* Undone: revision 1 is up again`));
    expect(runtime.lines.join('\n')).toContain('warning: Cannot find out whether the tag has moved on');
  });

  it('goes back although the API is down for a moment', async () => {
    const before = await cluster.publish('one');
    await cluster.deploy();
    const digest = await cluster.publish('two');
    cluster.behave({ kind: 'crash-loop', digest });
    const rollout = rollOut({ undo: 'true' });
    while (patches().length === 0) await sleep(1);
    cluster.kubernetes.failNext({ ...UNAVAILABLE, method: 'PATCH' });
    expect((await rollout).reason).toMatch(/CrashLoopBackOff.* Undone: revision 1 is up again/);
    expect(patches()).toEqual([200, 503, 200]);
    expect(cluster.digests()).toEqual([before, before]);
  });

  it('prints the plan with dry-run and restarts nothing', async () => {
    await cluster.publish('one');
    await cluster.deploy();
    const digest = await cluster.publish('two');
    const outputs = await rollOut({ 'dry-run': 'true' });
    expect(outputs).toMatchObject({
      result: '',
      digest,
      changed: false,
      plan: { action: 'restart', namespace: cluster.namespace },
    });
    expect(cluster.changes()).toBe(0);
    expect(runtime.summary.toString()).toContain('would be restarted');
  });
});
