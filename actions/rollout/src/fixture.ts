import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inputsFrom, type RecordingRuntime, recordRuntime } from '@slipway/core/action/testing';
import { fastClock } from '@slipway/core/kubernetes/testing';
import { ClusterFixture } from '@slipway/sandbox/kubernetes/cluster-fixture';
import { installKubectlStandIn } from '@slipway/sandbox/kubernetes/install-kubectl';
import { expect } from 'vitest';
import { inputs } from './inputs.ts';
import type { Outputs } from './outputs.ts';
import { run } from './run.ts';

/** How much faster than ours the clocks of the action and of the cluster run. */
const FACTOR = 20;

export let cluster: ClusterFixture;
export let runtime: RecordingRuntime;
/** Where kubectl is looked for. */
let path: string;

/** Starts a cluster and a registry, for one test. */
export async function setUp(): Promise<void> {
  cluster = await ClusterFixture.start(FACTOR);
  await mkdir(join(cluster.directory, 'temporary'));
  await configure();
}

export function tearDown(): Promise<void> {
  return cluster.cleanUp();
}

export async function configure(staging = 'upstream: [production], cache: 20s'): Promise<void> {
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

export async function rollOut(given: Record<string, string> = {}): Promise<Outputs> {
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
export const UNAVAILABLE = {
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
export function patches(): number[] {
  return cluster.kubernetes.requests.filter(({ method }) => method === 'PATCH').map(({ status }) => status);
}

/** Looks for kubectl in this directory. */
export function useKubectl(directory: string): void {
  path = directory;
}

export async function useStandIn(): Promise<void> {
  useKubectl(dirname(await installKubectlStandIn(join(cluster.directory, 'bin'))));
}
