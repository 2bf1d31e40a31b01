import { once } from 'node:events';
import { rmdir, stat } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { type ListeningServer, listen, sendJson } from '@slipway/sandbox/http-server';
import { findRealKubectl } from '@slipway/sandbox/kubernetes/install-kubectl';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cluster, configure, rollOut, runtime, setUp, tearDown, useKubectl, useStandIn } from './fixture.ts';

beforeEach(setUp);
afterEach(tearDown);

const real = findRealKubectl();

describe.each([
  ['the stand-in for kubectl', useStandIn, false],
  [
    real === undefined ? 'the real kubectl (skipped: kubectl not installed)' : 'the real kubectl',
    async () => {
      useKubectl(dirname(real ?? ''));
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
    useKubectl(join(cluster.directory, 'nothing'));
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
