/**
 * A stand-in for kubectl, for machines that have none: the few commands that a rollout needs, with kubectl's arguments,
 * output and exit codes. `installKubectlStandIn` puts it on a PATH.
 */
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { request as requestTls } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { load } from 'js-yaml';

/** As much of an object as is looked at here. */
interface Loose {
  kind?: string;
  metadata: {
    name: string;
    namespace?: string;
    annotations?: Record<string, string>;
    generation?: number;
    uid?: string;
  };
  spec: {
    replicas: number;
    template: { metadata: { labels?: Record<string, string> } };
    containers?: { name: string }[];
  };
  status: Partial<Record<'observedGeneration' | 'replicas' | 'updatedReplicas' | 'availableReplicas', number>>;
}

const REVISION = 'deployment.kubernetes.io/revision';

const PATHS: Readonly<Record<string, readonly [base: string, plural: string]>> = {
  pod: ['/api/v1', 'pods'],
  event: ['/api/v1', 'events'],
  deployment: ['/apis/apps/v1', 'deployments'],
  replicaset: ['/apis/apps/v1', 'replicasets'],
};

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kubeconfig: { type: 'string' },
    namespace: { type: 'string', short: 'n', default: 'default' },
    output: { type: 'string', short: 'o' },
    selector: { type: 'string', short: 'l' },
    'field-selector': { type: 'string' },
    container: { type: 'string', short: 'c' },
    tail: { type: 'string' },
    previous: { type: 'boolean', short: 'p' },
    'to-revision': { type: 'string', default: '0' },
    timeout: { type: 'string', default: '0s' },
    'cache-dir': { type: 'string' },
    'request-timeout': { type: 'string', default: '0' },
    client: { type: 'boolean' },
  },
});

try {
  await main(positionals);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main([verb, ...rest]: string[]): Promise<void> {
  if (verb === 'version') return print({ clientVersion: { gitVersion: 'stand-in' } });
  if (verb === 'get') return get(rest);
  if (verb === 'logs') return logs(rest[0] ?? '');
  if (verb === 'rollout') {
    const [action, ...target] = rest;
    const [kind, name = ''] = target.flatMap((part) => part.split('/'));
    if (kind !== 'deployment') throw new Error(`error: the stand-in rolls out deployments only, not ${kind}`);
    if (action === 'restart') return restart(name);
    if (action === 'undo') return undo(name);
    if (action === 'status') return status(name);
  }
  throw new Error(`error: the stand-in for kubectl has no command "${[verb, ...rest].join(' ')}"`);
}

async function get([kinds = '', name]: string[]): Promise<void> {
  if (flags.output !== 'json') throw new Error('error: the stand-in for kubectl writes JSON only (-o json)');
  const [kind = '', inline] = kinds.split('/');
  const wanted = inline ?? name;
  if (wanted !== undefined) return print(await ask('GET', `${pathOf(kind)}/${wanted}`));
  const query = new URLSearchParams();
  if (flags.selector !== undefined) query.set('labelSelector', flags.selector);
  if (flags['field-selector'] !== undefined) query.set('fieldSelector', flags['field-selector']);
  const items: unknown[] = [];
  for (const one of kinds.split(',')) {
    const list = (await ask('GET', `${pathOf(one)}?${query}`)) as { items: unknown[] };
    items.push(...list.items);
  }
  print({ apiVersion: 'v1', items, kind: 'List', metadata: { resourceVersion: '' } });
}

async function logs(pod: string): Promise<void> {
  const query = new URLSearchParams();
  if (flags.container !== undefined) query.set('container', flags.container);
  if (flags.tail !== undefined) query.set('tailLines', flags.tail);
  if (flags.previous === true) query.set('previous', 'true');
  process.stdout.write((await exchange('GET', `${pathOf('pod')}/${pod}/log?${query}`)).text);
}

async function restart(name: string): Promise<void> {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString().replace(/\.\d+Z$/, 'Z') };
  const patch = { spec: { template: { metadata: { annotations } } } };
  await ask('PATCH', `${pathOf('deployment')}/${name}`, patch, 'application/strategic-merge-patch+json');
  process.stdout.write(`deployment.apps/${name} restarted\n`);
}

/** Goes back to the template of a revision, the one before the newest when none is given. */
async function undo(name: string): Promise<void> {
  const deployment = (await ask('GET', `${pathOf('deployment')}/${name}`)) as Loose;
  const { items } = (await ask('GET', pathOf('replicaset'))) as {
    items: (Loose & { metadata: { ownerReferences?: { uid: string }[] } })[];
  };
  const sets = items
    .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === deployment.metadata.uid))
    .sort((a, b) => revisionOf(b) - revisionOf(a));
  const wanted = Number(flags['to-revision']);
  const set = wanted === 0 ? sets[1] : sets.find((candidate) => revisionOf(candidate) === wanted);
  if (set === undefined) {
    throw new Error(
      wanted === 0
        ? `error: no rollout history found for deployment "${name}"`
        : `error: unable to find specified revision ${wanted} in history`,
    );
  }
  const template = structuredClone(set.spec.template);
  delete template.metadata.labels?.['pod-template-hash'];
  const patch = [{ op: 'replace', path: '/spec/template', value: template }];
  await ask('PATCH', `${pathOf('deployment')}/${name}`, patch, 'application/json-patch+json');
  process.stdout.write(`deployment.apps/${name} rolled back\n`);
}

function revisionOf({ metadata }: Loose): number {
  return Number(metadata.annotations?.[REVISION] ?? 0);
}

async function status(name: string): Promise<void> {
  const [, number = '0', unit = 's'] = /^(\d+)(ms|s|m|h)$/.exec(flags.timeout) ?? [];
  const limit = Number(number) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit as 'ms' | 's' | 'm' | 'h'];
  const end = limit === 0 ? Number.POSITIVE_INFINITY : Date.now() + limit;
  while (!isRolledOut((await ask('GET', `${pathOf('deployment')}/${name}`)) as Loose)) {
    if (Date.now() >= end) throw new Error('error: timed out waiting for the condition');
    await sleep(50);
  }
  process.stdout.write(`deployment "${name}" successfully rolled out\n`);
}

function isRolledOut({ metadata, spec, status: seen }: Loose): boolean {
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = seen;
  const observed = observedGeneration >= (metadata.generation ?? 1);
  return observed && [replicas, updatedReplicas, availableReplicas].every((count) => count === spec.replicas);
}

function pathOf(kind: string): string {
  const singular = kind.replace(/s$/, '');
  const [base, plural] = PATHS[singular] ?? [];
  if (base === undefined) throw new Error(`error: the server doesn't have a resource type "${kind}"`);
  return `${base}/namespaces/${flags.namespace}/${plural}`;
}

async function ask(method: string, path: string, body?: unknown, contentType?: string): Promise<unknown> {
  return JSON.parse((await exchange(method, path, body, contentType)).text);
}

async function exchange(method: string, path: string, body?: unknown, contentType?: string): Promise<{ text: string }> {
  const { server, token, ca } = readKubeconfig();
  const url = new URL(path, server);
  const headers = {
    accept: 'application/json',
    // kubectl sends no credentials over plain http either.
    ...(token !== undefined && url.protocol === 'https:' && { authorization: `Bearer ${token}` }),
    ...(contentType !== undefined && { 'content-type': contentType }),
  };
  const open = url.protocol === 'https:' ? requestTls : request;
  const seconds = Number.parseFloat(flags['request-timeout']);
  const signal = seconds > 0 ? { signal: AbortSignal.timeout(seconds * 1000) } : {};
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = open(url, { method, headers, ...signal, ...(ca !== undefined && { ca }) }, resolve);
    outgoing.once('error', (error) => reject(new Error(`Unable to connect to the server: ${error.message}`)));
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  if ((response.statusCode ?? 0) < 300) return { text };
  throw new Error(describeFailure(text, response.statusCode ?? 0));
}

function describeFailure(text: string, code: number): string {
  try {
    const { reason, message } = JSON.parse(text) as { reason?: string; message?: string };
    return `Error from server (${reason}): ${message}`;
  } catch {
    return `Error from server: ${code} ${text}`;
  }
}

function readKubeconfig(): { server: string; token: string | undefined; ca: Buffer | undefined } {
  const path = flags.kubeconfig ?? process.env['KUBECONFIG'];
  if (path === undefined || path === '') throw new Error('error: no configuration has been provided');
  const config = load(readFileSync(path, 'utf8')) as {
    'current-context': string;
    contexts: { name: string; context: { cluster: string; user: string } }[];
    clusters: { name: string; cluster: { server: string; 'certificate-authority-data'?: string } }[];
    users: { name: string; user: { token?: string } }[];
  };
  const context = config.contexts.find(({ name }) => name === config['current-context'])?.context;
  const cluster = config.clusters.find(({ name }) => name === context?.cluster)?.cluster;
  if (cluster === undefined) throw new Error('error: current-context is not set');
  const ca = cluster['certificate-authority-data'];
  return {
    server: cluster.server,
    token: config.users.find(({ name }) => name === context?.user)?.user.token,
    ca: ca === undefined ? undefined : Buffer.from(ca, 'base64'),
  };
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 4)}\n`);
}
