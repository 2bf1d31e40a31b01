import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installKubectlStandIn } from './install-kubectl.ts';
import type { Condition, Deployment, Pod } from './objects.ts';
import { type DeploymentOptions, type KubernetesServer, startKubernetes } from './server.ts';

const NAMESPACE = 'apps';
const SCALE = 0.02;
const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`;

let directory: string;
let server: KubernetesServer;
/** What the tag points to; undefined when there is no such image. */
let tagged: string | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-kubernetes-'));
  tagged = digestOf('a');
  server = await start();
});

afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

function start(): Promise<KubernetesServer> {
  return startKubernetes({ directory: join(directory, 'state'), scale: SCALE, images: async () => tagged });
}

function deploy(options: Partial<DeploymentOptions> = {}): void {
  server.addDeployment({ namespace: NAMESPACE, name: 'web', image: 'registry.example.com/web:v1', ...options });
}

async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    await sleep(5);
  }
}

const deployment = (): Deployment | undefined => server.deployment(NAMESPACE, 'web');
const pods = (): Pod[] => server.pods(NAMESPACE).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
const digests = (): (string | undefined)[] =>
  pods().map(({ status }) => status.containerStatuses?.[0]?.imageID.split('@')[1]);
const reasons = (): (string | undefined)[] =>
  pods().map(({ status }) => status.containerStatuses?.[0]?.state.waiting?.reason);
const condition = (type: string): Condition | undefined =>
  deployment()?.status.conditions?.find((candidate) => candidate.type === type);
const settled = (): boolean => {
  const { status, metadata } = deployment() ?? {};
  const counts = [status?.replicas, status?.updatedReplicas, status?.availableReplicas];
  return status?.observedGeneration === metadata?.generation && counts.every((count) => count === 2);
};

function patch(body: unknown, type = 'application/strategic-merge-patch+json'): Promise<Response> {
  return fetch(`${server.url}/apis/apps/v1/namespaces/${NAMESPACE}/deployments/web`, {
    method: 'PATCH',
    headers: { 'content-type': type },
    body: JSON.stringify(body),
  });
}

const restart = (at: string): Promise<Response> =>
  patch({ spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': at } } } } });

async function json(
  path: string,
): Promise<{ items: { metadata: { name: string } }[]; metadata: { resourceVersion: string } }> {
  const response = await fetch(`${server.url}${path}`);
  return (await response.json()) as Awaited<ReturnType<typeof json>>;
}

describe('a deployment', () => {
  it('comes up, is restarted pod by pod, and never has fewer pods than it wants', async () => {
    deploy({ imagePullPolicy: 'Always' });
    await until(settled);
    tagged = digestOf('b');
    let fewest = 2;
    await restart('now');
    await until(() => {
      fewest = Math.min(fewest, deployment()?.status.availableReplicas ?? 0);
      return settled() && digests().every((digest) => digest === tagged);
    });
    expect(fewest).toBe(2);
    expect(deployment()?.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
    expect(condition('Progressing')?.reason).toBe('NewReplicaSetAvailable');
  });

  it('keeps an image that the node has, unless it is told to pull always', async () => {
    deploy();
    await until(settled);
    tagged = digestOf('b');
    await restart('now');
    await until(() => settled() && deployment()?.metadata.generation === 2);
    expect(digests()).toEqual([digestOf('a'), digestOf('a')]);
  });

  it('takes back a template that it had, under a new number', async () => {
    deploy();
    await until(settled);
    const template = deployment()?.spec.template;
    await restart('now');
    await until(settled);
    await patch([{ op: 'replace', path: '/spec/template', value: template }], 'application/json-patch+json');
    await until(() => settled() && deployment()?.metadata.annotations?.['deployment.kubernetes.io/revision'] === '3');
    const { items } = await json(`/apis/apps/v1/namespaces/${NAMESPACE}/replicasets`);
    expect(items).toHaveLength(2);
  });

  it('goes on where it was after a restart of the sandbox', async () => {
    deploy();
    await until(() => pods().length === 2);
    await server.close();
    server = await start();
    await until(settled);
    const before = pods().map(({ metadata }) => metadata.uid);
    await server.close();
    server = await start();
    await until(settled);
    expect(pods().map(({ metadata }) => metadata.uid)).toEqual(before);
  });

  it('gives up when nothing has changed for its deadline', async () => {
    server.behave(NAMESPACE, 'web', { kind: 'hang' });
    deploy({ progressDeadlineSeconds: 3 });
    await until(() => condition('Progressing')?.reason === 'ProgressDeadlineExceeded');
    server.behave(NAMESPACE, 'web', { kind: 'run' });
    await until(() => condition('Progressing')?.reason === 'NewReplicaSetAvailable');
  });
});

describe('pods', () => {
  it.each([
    ['pull-error', 'ImagePullBackOff'],
    ['config-error', 'CreateContainerConfigError'],
    ['crash-loop', 'CrashLoopBackOff'],
    ['out-of-memory', 'CrashLoopBackOff'],
  ] as const)('that are told %s wait for %s, and come up once they are told to', async (kind, reason) => {
    server.behave(NAMESPACE, 'web', { kind });
    deploy();
    await until(() => reasons().length === 2 && reasons().every((seen) => seen === reason));
    const status = pods()[0]?.status.containerStatuses?.[0];
    if (kind === 'out-of-memory')
      expect(status?.lastState.terminated).toMatchObject({ reason: 'OOMKilled', exitCode: 137 });
    server.behave(NAMESPACE, 'web', { kind: 'run' });
    await until(settled);
  });

  it('are restarted at once after the first end, and only then with a pause', async () => {
    server.behave(NAMESPACE, 'web', { kind: 'crash-loop', times: 1 });
    deploy();
    await until(settled);
    expect(pods().map(({ status }) => status.containerStatuses?.[0]?.restartCount)).toEqual([1, 1]);
  });

  it('say why no node takes them', async () => {
    server.behave(NAMESPACE, 'web', { kind: 'unschedulable' });
    deploy();
    const scheduled = await until(() => pods()[0]?.status.conditions.find(({ type }) => type === 'PodScheduled'));
    expect(scheduled).toMatchObject({ status: 'False', reason: 'Unschedulable' });
  });

  it('are not made when a quota is used up', async () => {
    server.behave(NAMESPACE, 'web', { kind: 'forbidden' });
    deploy();
    expect((await until(() => condition('ReplicaFailure'))).reason).toBe('FailedCreate');
    server.behave(NAMESPACE, 'web', { kind: 'run' });
    await until(settled);
    expect(condition('ReplicaFailure')).toBeUndefined();
  });

  it('write logs: the current ones, those before the last restart, and none before the first start', async () => {
    server.behave(NAMESPACE, 'web', { kind: 'crash-loop', log: ['first', 'second'] });
    deploy({ replicas: 1 });
    const log = (query = '') =>
      fetch(`${server.url}/api/v1/namespaces/${NAMESPACE}/pods/${pods()[0]?.metadata.name}/log?${query}`);
    await until(() => reasons()[0] === 'ContainerCreating');
    const early = await log();
    expect([early.status, await early.text()]).toEqual([400, expect.stringContaining('is waiting to start')]);
    await until(() => reasons()[0] === 'CrashLoopBackOff');
    expect(await (await log('tailLines=2')).text()).toBe('first\nsecond\n');
    expect(await (await log('tailLines=1&previous=true')).text()).toBe('second\n');
    expect((await log('container=other')).status).toBe(400);
  });
});

describe('the API', () => {
  it('selects by labels and fields', async () => {
    deploy();
    server.addDeployment({ namespace: NAMESPACE, name: 'other', image: 'registry.example.com/other:v1' });
    const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
    const names = async (query: string): Promise<string[]> =>
      (await json(`${path}?${query}`)).items.map(({ metadata }) => metadata.name);
    expect(await names('')).toEqual(['web', 'other']);
    expect(await names('labelSelector=app%3Dweb')).toEqual(['web']);
    expect(await names('labelSelector=app+in+(web,x),!absent')).toEqual(['web']);
    expect(await names('labelSelector=app!%3Dweb')).toEqual(['other']);
    expect(await names('labelSelector=app+notin+(web)')).toEqual(['other']);
    expect(await names('fieldSelector=metadata.name%3Dother')).toEqual(['other']);
    expect((await fetch(`${server.url}${path}?labelSelector=((`)).status).toBe(400);
  });

  it('tells of changes from a version on, and of a version that is too old', async () => {
    deploy();
    const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
    const { metadata } = await json(path);
    const watching = await fetch(`${server.url}${path}?watch=true&resourceVersion=${metadata.resourceVersion}`);
    await restart('now');
    const reader = watching.body?.getReader();
    const first = Buffer.from((await reader?.read())?.value ?? []).toString('utf8');
    expect(first).toMatch(/^\{"type":"MODIFIED","object":\{/);
    await reader?.cancel();
    await until(settled);
    await server.close();
    server = await start();
    const late = await fetch(`${server.url}${path}?watch=true&resourceVersion=1`);
    expect(await late.text()).toContain('"code":410');
  });

  it.each([
    ['GET', '/apis/apps/v1/namespaces/apps/deployments/absent', 404, 'NotFound'],
    ['GET', '/api/v1/namespaces/apps/secrets', 404, 'NotFound'],
    ['DELETE', '/apis/apps/v1/namespaces/apps/deployments/web', 405, 'MethodNotAllowed'],
    ['POST', '/apis/apps/v1/namespaces/apps/deployments', 405, 'MethodNotAllowed'],
  ])('answers %s %s with %i', async (method, path, status, reason) => {
    deploy();
    const response = await fetch(`${server.url}${path}`, { method });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ kind: 'Status', reason });
  });

  it('refuses patches that make no deployment, and keeps what clients must not write', async () => {
    deploy();
    expect((await patch({ spec: { template: null } })).status).toBe(422);
    expect((await patch({}, 'application/apply-patch+yaml')).status).toBe(415);
    expect(
      (await patch([{ op: 'replace', path: '/spec/absent/x', value: 1 }], 'application/json-patch+json')).status,
    ).toBe(422);
    const { uid } = deployment()?.metadata ?? {};
    expect((await patch({ metadata: { uid: 'x' }, status: { replicas: 9 } })).status).toBe(200);
    expect(deployment()?.metadata).toMatchObject({ uid, generation: 1 });
    const containers = [{ name: 'package-registry', image: 'registry.example.com/web:v2' }];
    await patch({ spec: { template: { spec: { containers } } } });
    expect(deployment()?.spec.template.spec.containers).toMatchObject([
      { image: 'registry.example.com/web:v2', imagePullPolicy: 'IfNotPresent' },
    ]);
    expect(deployment()?.metadata.generation).toBe(2);
  });
});

describe('the stand-in for kubectl', () => {
  const execute = promisify(execFile);
  let kubectl: (...args: string[]) => Promise<string>;

  beforeEach(async () => {
    const program = await installKubectlStandIn(join(directory, 'a folder', 'bin'));
    await server.writeKubeconfig(join(directory, 'kubeconfig'));
    kubectl = async (...args) => {
      const common = ['-n', NAMESPACE, `--kubeconfig=${join(directory, 'kubeconfig')}`];
      return (await execute(program, [...common, ...args])).stdout;
    };
    deploy();
  });

  it('restarts, waits, goes back and reads', async () => {
    expect(await kubectl('rollout', 'status', 'deployment/web')).toMatch(/successfully rolled out/);
    expect(await kubectl('rollout', 'restart', '--', 'deployment', 'web')).toBe('deployment.apps/web restarted\n');
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
    expect(await kubectl('rollout', 'undo', 'deployment', 'web')).toBe('deployment.apps/web rolled back\n');
    await kubectl('rollout', 'status', 'deployment', 'web');
    const list = JSON.parse(await kubectl('get', '-o', 'json', '-l', 'app=web', '--', 'replicasets,pods'));
    expect(new Set(list.items.map(({ kind }: { kind: string }) => kind))).toEqual(new Set(['ReplicaSet', 'Pod']));
    expect(await kubectl('logs', '--tail=1', '--', pods()[0]?.metadata.name ?? '')).toMatch(/listening/);
  });

  it('fails as kubectl does, with the reason and an exit code', async () => {
    await expect(kubectl('get', '-o', 'json', 'deployment', 'absent')).rejects.toMatchObject({
      code: 1,
      stderr: 'Error from server (NotFound): deployments.apps "absent" not found\n',
    });
    await until(settled);
    await expect(kubectl('rollout', 'undo', 'deployment', 'web')).rejects.toThrow(/no rollout history found/);
    await expect(kubectl('rollout', 'undo', '--to-revision=7', 'deployment', 'web')).rejects.toThrow(/revision 7/);
    server.behave(NAMESPACE, 'web', { kind: 'hang' });
    await kubectl('rollout', 'restart', 'deployment', 'web');
    await expect(kubectl('rollout', 'status', 'deployment', 'web', '--timeout=10ms')).rejects.toThrow(/timed out/);
    await expect(kubectl('apply', '-f', 'x.yaml')).rejects.toThrow();
  });
});
