import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeKubeconfig } from '@slipway/sandbox/kubernetes/kubeconfig';
import { type KubernetesOptions, type KubernetesServer, startKubernetes } from '@slipway/sandbox/kubernetes/server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../bundle.ts';
import { runPeer, titled, whyAbsent } from './peers.ts';

const NAMESPACE = 'package-registry';
const NAME = 'package-registry-staging-vanilla';
const TARGET = ['deployment', NAME];

interface Cluster {
  readonly server: KubernetesServer;
  readonly directory: string;
  kubectl(...args: string[]): Promise<string>;
}

/** Starts a cluster fifty times as fast as a real one, with one deployment, and a kubectl that knows no other. */
async function startCluster(
  options: Partial<KubernetesOptions> = {},
  directory = temporaryDirectory(),
): Promise<Cluster> {
  const images = async (): Promise<string> => `sha256:${'a'.repeat(64)}`;
  const server = await startKubernetes({ directory: join(directory, 'state'), scale: 0.02, images, ...options });
  onTestFinished(() => server.close());
  server.addDeployment({ namespace: NAMESPACE, name: NAME, image: 'registry.example.com/distribution:staging' });
  await server.writeKubeconfig(join(directory, 'kubeconfig'));
  const common = [`--kubeconfig=${join(directory, 'kubeconfig')}`, `--cache-dir=${join(directory, 'cache')}`];
  const kubectl = (...args: string[]): Promise<string> =>
    runPeer('kubectl', [...common, `--namespace=${NAMESPACE}`, ...args], { env: { HOME: directory, KUBECONFIG: '' } });
  return { server, directory, kubectl };
}

function revisions(history: string): string[] {
  return [...history.matchAll(/^(\d+) /gm)].map(([, number = '']) => number);
}

const absent = whyAbsent('kubectl');

describe.skipIf(absent !== undefined)(titled("the real kubectl and the sandbox's cluster", absent), () => {
  it('restarts, waits for the status, and goes back', async () => {
    const { kubectl } = await startCluster();
    await kubectl('rollout', 'status', '--timeout=60s', ...TARGET);
    expect(await kubectl('rollout', 'restart', '--', ...TARGET)).toContain(`${NAME} restarted`);
    expect(await kubectl('rollout', 'status', '--timeout=60s', ...TARGET)).toContain('successfully rolled out');
    expect(revisions(await kubectl('rollout', 'history', ...TARGET))).toEqual(['1', '2']);
    expect(await kubectl('rollout', 'undo', '--to-revision=1', '--', ...TARGET)).toContain('rolled back');
    expect(await kubectl('rollout', 'status', '--timeout=60s', ...TARGET)).toContain('successfully rolled out');
    expect(revisions(await kubectl('rollout', 'history', ...TARGET))).toEqual(['2', '3']);
  });

  it('reads deployments, replica sets, pods, events and logs', async () => {
    const { kubectl, server } = await startCluster();
    await kubectl('rollout', 'status', '--timeout=60s', ...TARGET);
    const list = JSON.parse(await kubectl('get', '--output=json', `--selector=app=${NAME}`, '--', 'replicasets,pods'));
    const kinds = list.items.map(({ kind }: { kind: string }) => kind);
    expect(kinds).toEqual(['ReplicaSet', 'Pod', 'Pod']);
    const [pod] = server.pods(NAMESPACE);
    const { name = '', uid = '' } = pod?.metadata ?? {};
    expect(await kubectl('logs', '--container=package-registry', '--tail=5', '--', name)).toContain('listening');
    const selector = `--field-selector=involvedObject.uid=${uid}`;
    const events = JSON.parse(await kubectl('get', '--output=json', selector, '--', 'events'));
    const reasons = events.items.map(({ reason }: { reason: string }) => reason);
    expect(reasons).toEqual(['Scheduled', 'Pulling', 'Pulled', 'Started']);
    await expect(kubectl('get', 'deployment', 'absent')).rejects.toThrow(/"absent" not found/);
  });

  it('gives up waiting for pods that crash, and reads what they wrote', async () => {
    const { kubectl, server } = await startCluster();
    await kubectl('rollout', 'status', '--timeout=60s', ...TARGET);
    server.behave(NAMESPACE, NAME, { kind: 'crash-loop', log: ['panic: broken manifest'] });
    await kubectl('rollout', 'restart', '--', ...TARGET);
    await expect(kubectl('rollout', 'status', '--timeout=2s', ...TARGET)).rejects.toThrow(/timed out/);
    const failed = server.pods(NAMESPACE).find(({ status }) => (status.containerStatuses?.[0]?.restartCount ?? 0) > 0);
    const name = failed?.metadata.name ?? '';
    expect(await kubectl('logs', '--previous', '--tail=1', '--', name)).toBe('panic: broken manifest\n');
  });

  const noTls = whyAbsent('openssl');
  it.skipIf(noTls !== undefined)(titled('speaks TLS, and is let in by its token only', noTls), async () => {
    const directory = temporaryDirectory();
    const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const names = ['-subj', '/CN=cluster', '-addext', 'subjectAltName=IP:127.0.0.1'];
    openssl('req', '-x509', ...key, '-keyout', 'key.pem', '-out', 'cert.pem', '-days', '2', ...names);
    const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
    const ca = read('cert.pem');
    const { kubectl, server } = await startCluster({ tls: { key: read('key.pem'), cert: ca }, ca }, directory);
    expect(await kubectl('get', '--output=name', ...TARGET)).toBe(`deployment.apps/${NAME}\n`);
    const wrong = makeKubeconfig({ url: server.url, token: 'not-the-token', ca });
    writeFileSync(join(directory, 'kubeconfig'), wrong);
    await expect(kubectl('get', '--output=name', ...TARGET)).rejects.toThrow(/[Uu]nauthorized|credentials/);
    writeFileSync(join(directory, 'kubeconfig'), makeKubeconfig({ url: server.url, token: 'sandbox-cluster-token' }));
    await expect(kubectl('get', '--output=name', ...TARGET)).rejects.toThrow(/certificate/);
  });
});
