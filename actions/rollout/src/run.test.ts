import { once } from 'node:events';
import { mkdir, readdir, rmdir, stat, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inputsFrom, type RecordingRuntime, recordRuntime } from '@slipway/core/action/testing';
import { fastClock } from '@slipway/core/kubernetes/testing';
import { type ListeningServer, listen, sendJson } from '@slipway/sandbox/http-server';
import { makeIndex } from '@slipway/sandbox/images/sample-index';
import type { Behaviour } from '@slipway/sandbox/kubernetes/behaviour';
import { ClusterFixture } from '@slipway/sandbox/kubernetes/cluster-fixture';
import { findRealKubectl, installKubectlStandIn } from '@slipway/sandbox/kubernetes/install-kubectl';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import type { Outputs } from './outputs.ts';
import { run } from './run.ts';

/** How much faster than ours the clocks of the action and of the cluster run. */
const FACTOR = 20;

const real = findRealKubectl();

let cluster: ClusterFixture;
let runtime: RecordingRuntime;
/** Where kubectl is looked for. */
let path: string;

beforeEach(async () => {
  cluster = await ClusterFixture.start(FACTOR);
  await mkdir(join(cluster.directory, 'temporary'));
  await configure();
});

afterEach(() => cluster.cleanUp());

async function configure(staging = 'upstream: [production], cache: 20s'): Promise<void> {
  const lines = [
    'plugins: { target: harbor.example.com/release }',
    'storage:',
    `  image: ${cluster.image}`,
    `  distributions: { production: {}, staging: { ${staging} }, old: { frozen: true } }`,
    `  rollout: { namespace: ${cluster.namespace}, deployment: "package-registry-{distribution}-vanilla" }`,
    `registries: { docker.example.com: { endpoint: "${cluster.registry.url}", plain-http: true } }`,
  ];
  await writeFile(join(cluster.directory, 'slipway.yaml'), lines.join('\n'));
}

async function rollOut(given: Record<string, string> = {}): Promise<Outputs> {
  const { directory, kubernetes } = cluster;
  const temporary = join(directory, 'temporary');
  const env = { PATH: path, HOME: directory, RUNNER_TEMP: temporary, DOCKER_CONFIG: join(directory, 'no-docker') };
  runtime = recordRuntime(env);
  const config = join(directory, 'slipway.yaml');
  const texts = { config, distribution: 'staging', kubeconfig: kubernetes.kubeconfig, ...given };
  try {
    return await run(inputsFrom(inputs, texts), runtime, fastClock(FACTOR));
  } finally {
    expect(await readdir(temporary), 'what it wrote is removed').toEqual([]);
  }
}

/** What an API server answers while it is being replaced. */
const UNAVAILABLE = {
  kind: 'status',
  status: 503,
  body: JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    reason: 'ServiceUnavailable',
    code: 503,
  }),
} as const;

/** Returns how the API has answered each change. */
function patches(): number[] {
  return cluster.kubernetes.requests.filter(({ method }) => method === 'PATCH').map(({ status }) => status);
}

async function useStandIn(): Promise<void> {
  path = dirname(await installKubectlStandIn(join(cluster.directory, 'bin')));
}

describe.each([
  ['the stand-in for kubectl', useStandIn, false],
  [
    real === undefined ? 'the real kubectl (skipped: kubectl not installed)' : 'the real kubectl',
    async () => {
      path = dirname(real ?? '');
    },
    real === undefined,
  ],
] as const)('with %s', (_, choose, absent) => {
  beforeEach(choose);

  it.skipIf(absent)('restarts, proves the new image, and finds it unchanged the second time', async () => {
    const before = await cluster.publish('one');
    await cluster.deploy();
    expect(cluster.digests()).toEqual([before, before]);
    const digest = await cluster.publish('two');
    const outputs = await rollOut();
    expect(outputs).toMatchObject({ result: 'rolled-out', digest, reason: '', changed: true });
    expect(outputs.plan).toMatchObject({ distribution: 'staging', action: 'restart', running: [before], digest });
    expect(outputs.seconds).toBeGreaterThan(0);
    expect(cluster.digests()).toEqual([digest, digest]);
    expect(cluster.changes()).toBe(1);
    expect(await rollOut({ digest })).toMatchObject({ result: 'unchanged', digest, changed: false });
    expect(cluster.changes()).toBe(1);
    expect(runtime.failures).toEqual([]);
  });

  it.skipIf(absent)('names the pod that crashes, with its last lines and its events, and goes back', async () => {
    const before = await cluster.publish('one');
    await cluster.deploy();
    const digest = await cluster.publish('two');
    const log = ['loading packages', 'panic: \u001b[31mbroken manifest\u001b[0m'];
    cluster.behave({ kind: 'crash-loop', exitCode: 3, log, digest });
    const outputs = await rollOut({ undo: 'true', 'log-lines': '2' });
    expect(outputs).toMatchObject({ result: 'failed', digest, changed: true });
    const failed = /^(\S+): CrashLoopBackOff: the container package-registry has been restarted .*exit code 3\./;
    expect(outputs.reason).toMatch(failed);
    expect(outputs.reason).toContain(`${cluster.deployment}-`);
    expect(outputs.reason).toMatch(/ Undone: revision 1 is up again and runs sha256:/);
    expect(runtime.failures).toEqual([`The rollout of staging failed: ${outputs.reason}`]);
    expect(runtime.lines).toContain('panic: broken manifest');
    expect(runtime.lines).toContain('loading packages');
    expect(runtime.lines.join('\n')).not.toContain('Package registry started');
    expect(runtime.lines.join('\n')).toMatch(/Warning BackOff.*restarting failed container/);
    expect(runtime.summary.toString()).toContain('panic: broken manifest');
    expect(cluster.digests()).toEqual([before, before]);
  });

  it.skipIf(absent)('ends at its deadline, and kubectl with it, when the API accepts and never answers', async () => {
    const digest = await cluster.publish('one');
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const server = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const kubeconfig = cluster.kubernetes.kubeconfig.replace(cluster.kubernetes.url, server);
    expect(kubeconfig).toContain(server);
    const outputs = await rollOut({ kubeconfig, timeout: '60s' });
    expect(outputs).toMatchObject({ result: 'failed', digest, changed: false });
    expect(outputs.reason).toMatch(/^kubectl get deployment \S+ has not ended after /);
    expect(outputs.seconds, 'ten times the timeout, for slow machines').toBeLessThan(600);
    expect(runtime.failures).toHaveLength(1);
    for (const socket of sockets) if (!socket.destroyed) await once(socket.resume(), 'close');
    silent.close();
  });

  it.skipIf(absent)('says so when the deployment does not exist', async () => {
    await cluster.publish('one');
    await cluster.publish('two', 'production');
    await cluster.deploy();
    const outputs = await rollOut({ distribution: 'production', timeout: '9h' });
    expect(outputs).toMatchObject({ result: 'failed', changed: false });
    expect(outputs.reason).toMatch(
      /^kubectl get deployment package-registry-production-vanilla failed: .*NotFound.*not found/,
    );
    expect(runtime.failures).toHaveLength(1);
  });
});

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

describe('the package registry', () => {
  let served: { name: string; version: string }[];
  let asked: number;
  let server: ListeningServer;

  afterEach(() => server.close());

  beforeEach(async () => {
    await useStandIn();
    [served, asked] = [[{ name: 'tcp', version: '1.0.0' }], 0];
    server = await listen({}, (_, response) => {
      asked += 1;
      sendJson(response, 200, served);
    });
    await configure(`upstream: [production], cache: 20s, url: "${server.url}"`);
    await cluster.publish('one');
    await cluster.deploy();
  });

  it('is asked for what is expected, after a rollout and without one', async () => {
    const expected = { expect: JSON.stringify(served) };
    expect(await rollOut(expected)).toMatchObject({ result: 'unchanged', reason: '' });
    await cluster.publish('two');
    expect(await rollOut(expected)).toMatchObject({ result: 'rolled-out', reason: '' });
    expect(asked).toBe(4);
  });

  it('fails the rollout, and takes nothing back, when it does not serve it after the cache time', async () => {
    const digest = await cluster.publish('two');
    const outputs = await rollOut({ expect: '[{"name":"udp","version":"1.0.0"}]', undo: 'true' });
    expect(outputs).toMatchObject({ result: 'failed', changed: true });
    expect(outputs.reason).toMatch(/does not serve udp-1\.0\.0$/);
    expect(runtime.failures).toHaveLength(1);
    expect(cluster.digests()).toEqual([digest, digest]);
  });

  it('is not asked with dry-run', async () => {
    expect(await rollOut({ 'dry-run': 'true', expect: '[]' })).toMatchObject({ result: 'unchanged' });
    expect(asked).toBe(0);
  });
});

describe('a mistake of the user', () => {
  beforeEach(async () => {
    await useStandIn();
    await cluster.publish('one');
  });

  it('is told with its cure when kubectl is not installed', async () => {
    path = join(cluster.directory, 'nothing');
    await expect(rollOut()).rejects.toThrow(/kubectl is not on the PATH of this runner\. Install it/);
  });

  it('is told when the deployment runs another image or tag', async () => {
    await cluster.publish('two', 'other');
    await cluster.deploy({ image: `${cluster.image}:other` });
    await expect(rollOut()).rejects.toThrow(`Set its image to ${cluster.image}:staging`);
    await configure('tag: other');
    cluster.kubernetes.addDeployment({
      namespace: cluster.namespace,
      name: 'package-registry-production-vanilla',
      image: 'elsewhere.example.com/x:y',
    });
    await cluster.publish('three', 'production');
    await expect(rollOut({ distribution: 'production' })).rejects.toThrow(/no container that runs .* but elsewhere/);
    expect(cluster.changes()).toBe(0);
  });

  it.each([
    [{ distribution: 'nowhere' }, /'nowhere' is no distribution/],
    [{ distribution: 'old' }, /old is frozen/],
    [{ distribution: 'production' }, /:production does not exist: build the distribution first/],
    [{ digest: `sha256:${'0'.repeat(64)}` }, /404|not.*found|unknown/i],
    [
      { kubeconfig: '/nowhere/kubeconfig' },
      /'kubeconfig' is neither the path of a file on this runner nor the content/,
    ],
  ])('%j is told', async (given, message) => {
    await cluster.deploy();
    await expect(rollOut(given)).rejects.toThrow(message);
    expect(cluster.changes()).toBe(0);
  });
});

describe('a kubeconfig', () => {
  beforeEach(async () => {
    await useStandIn();
    await cluster.publish('one');
    await cluster.deploy();
  });

  it('is masked, line by line what is secret in it', async () => {
    await rollOut();
    expect(runtime.masked).toEqual([cluster.kubernetes.kubeconfig, 'sandbox-cluster-token']);
    expect(runtime.lines.join('\n')).not.toContain('sandbox-cluster-token');
  });

  it('may be in base64, and the directory for it need not be there', async () => {
    const kubeconfig = Buffer.from(cluster.kubernetes.kubeconfig).toString('base64');
    await rmdir(join(cluster.directory, 'temporary'));
    expect(await rollOut({ kubeconfig })).toMatchObject({ result: 'unchanged' });
    expect(runtime.masked).toEqual([kubeconfig, cluster.kubernetes.kubeconfig, 'sandbox-cluster-token']);
  });

  it('may be a path, or found in the environment', async () => {
    const file = join(cluster.directory, 'config');
    await cluster.kubernetes.writeKubeconfig(file);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await rollOut({ kubeconfig: file })).toMatchObject({ result: 'unchanged' });
    expect(runtime.masked).toEqual([]);
  });
});
