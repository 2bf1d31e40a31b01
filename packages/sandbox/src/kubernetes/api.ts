import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody, sendJson } from '../http-server.ts';
import { ApiError } from './api-error.ts';
import type { Change, Cluster } from './cluster.ts';
import { discover, RESOURCES, type Resource } from './discovery.ts';
import type { Deployment, KubernetesObject } from './objects.ts';
import { applyPatch, PatchError } from './patch.ts';
import { readPodLog } from './pod-log.ts';
import { readFieldSelector, readLabelSelector, SelectorError } from './selectors.ts';

/** What a path names: `/apis/apps/v1/namespaces/x/deployments/y`. */
interface Address {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
}

/**
 * Answers a request to the API: discovery, get, list, watch, the patches that kubectl sends, and logs.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/
 */
export async function answer(
  cluster: Cluster,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const { pathname, searchParams: query } = url;
  const exchange = { request, response, query };
  try {
    if (['/healthz', '/livez', '/readyz'].includes(pathname)) {
      response.setHeader('content-type', 'text/plain');
      response.end('ok');
      return;
    }
    const discovered = discover(pathname);
    if (discovered !== undefined) return sendJson(response, 200, discovered);
    const namespace = /^\/api\/v1\/namespaces\/([^/]+)$/.exec(pathname)?.[1];
    if (namespace !== undefined) return sendJson(response, 200, readNamespace(cluster, namespace));
    await serve(cluster, exchange, readAddress(pathname));
  } catch (error) {
    const known = toApiError(error);
    if (known === undefined || response.headersSent) throw error;
    sendJson(response, known.status, known.toStatus());
  }
}

function toApiError(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (error instanceof SelectorError) return new ApiError(400, 'BadRequest', error.message);
  if (error instanceof PatchError) {
    return new ApiError(error.status, error.status === 415 ? 'UnsupportedMediaType' : 'Invalid', error.message);
  }
  return undefined;
}

/** A namespace is there as soon as something is in it; kubectl asks for it to say which of the two is missing. */
function readNamespace(cluster: Cluster, name: string): object {
  if (cluster.list('Deployment', name).length === 0) {
    throw new ApiError(404, 'NotFound', `namespaces "${name}" not found`);
  }
  return { kind: 'Namespace', apiVersion: 'v1', metadata: { name }, status: { phase: 'Active' } };
}

function readAddress(path: string): Address {
  const [, core, rest = ''] = /^\/(?:(api\/v1)|apis\/apps\/v1)\/(.+)$/.exec(path) ?? [];
  const [, namespace, plural, name, subresource] =
    /^(?:namespaces\/([^/]+)\/)?([a-z]+)(?:\/([^/]+))?(?:\/([a-z]+))?$/.exec(rest) ?? [];
  const group = core === undefined ? 'apps' : '';
  const resource = RESOURCES.find((candidate) => candidate.plural === plural && candidate.group === group);
  if (resource === undefined) throw new ApiError(404, 'NotFound', 'the server could not find the requested resource');
  return { resource, namespace, name, subresource };
}

async function serve(cluster: Cluster, exchange: Exchange, address: Address): Promise<void> {
  const { request, response, query } = exchange;
  const { resource, namespace, name, subresource } = address;
  if (name === undefined) {
    if (request.method !== 'GET') throw notAllowed(exchange);
    return isTrue(query.get('watch')) ? watch(cluster, exchange, address) : list(cluster, exchange, address);
  }
  const found = cluster.find(resource.kind, namespace ?? '', name);
  if (found === undefined) {
    const plural = resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
    throw new ApiError(404, 'NotFound', `${plural} "${name}" not found`);
  }
  if (request.method === 'GET' && found.kind === 'Pod' && subresource === 'log') {
    response.setHeader('content-type', 'text/plain');
    response.end(readPodLog(cluster, found, query));
    return;
  }
  if (subresource !== undefined) throw new ApiError(404, 'NotFound', `there is no ${subresource} here`);
  if (request.method === 'GET') return sendJson(response, 200, found);
  if (request.method !== 'PATCH' || found.kind !== 'Deployment') throw notAllowed(exchange);
  return sendJson(response, 200, await patchDeployment(cluster, request, found));
}

function notAllowed({ request }: Exchange): ApiError {
  return new ApiError(405, 'MethodNotAllowed', `the server does not allow ${request.method} on the requested resource`);
}

function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1';
}

function selects({ query }: Exchange, { resource, namespace, name }: Address): (object: KubernetesObject) => boolean {
  const byLabels = readLabelSelector(query.get('labelSelector') ?? '');
  const byFields = readFieldSelector(query.get('fieldSelector') ?? '');
  return (object) =>
    object.kind === resource.kind &&
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (name === undefined || object.metadata.name === name) &&
    byLabels(object) &&
    byFields(object);
}

function list(cluster: Cluster, exchange: Exchange, address: Address): void {
  const { kind, group } = address.resource;
  sendJson(exchange.response, 200, {
    kind: `${kind}List`,
    apiVersion: group === '' ? 'v1' : `${group}/v1`,
    metadata: { resourceVersion: String(cluster.version) },
    items: cluster.list(kind, address.namespace).filter(selects(exchange, address)),
  });
}

/** Sends changes as they come, one JSON object a line, until the client has enough. */
function watch(cluster: Cluster, exchange: Exchange, address: Address): void {
  const { response, query } = exchange;
  const wanted = selects(exchange, address);
  const send = ({ type, object }: Pick<Change, 'type' | 'object'>): void => {
    if (wanted(object)) response.write(`${JSON.stringify({ type, object })}\n`);
  };
  response.writeHead(200, { 'content-type': 'application/json' });
  const version = Number(query.get('resourceVersion') ?? 0);
  const missed = version === 0 ? undefined : cluster.changesAfter(version);
  if (version === 0) {
    for (const object of cluster.list(address.resource.kind, address.namespace)) send({ type: 'ADDED', object });
  } else if (missed === undefined) {
    const gone = new ApiError(410, 'Expired', `too old resource version: ${version} (${cluster.version})`);
    response.end(`${JSON.stringify({ type: 'ERROR', object: gone.toStatus() })}\n`);
    return;
  }
  for (const change of missed ?? []) send(change);
  const stop = cluster.subscribe(send);
  const seconds = Number(query.get('timeoutSeconds') ?? 0);
  const timer = seconds > 0 ? setTimeout(() => response.end(), seconds * 1000) : undefined;
  response.flushHeaders();
  response.once('close', () => {
    stop();
    clearTimeout(timer);
  });
}

async function patchDeployment(cluster: Cluster, request: IncomingMessage, before: Deployment): Promise<Deployment> {
  const body: unknown = JSON.parse((await readBody(request)).toString('utf8'));
  const current = cluster.find('Deployment', before.metadata.namespace, before.metadata.name) ?? before;
  const patched = applyPatch(current, body, request.headers['content-type'] ?? '') as Deployment;
  const containers: unknown = patched.spec?.template?.spec?.containers;
  if (!Array.isArray(containers) || containers.length === 0 || !(patched.spec.replicas >= 0)) {
    throw new ApiError(422, 'Invalid', `Deployment.apps "${current.metadata.name}" is invalid`);
  }
  const changed = JSON.stringify(patched.spec) !== JSON.stringify(current.spec);
  const { name, namespace, uid, creationTimestamp, generation = 1 } = current.metadata;
  const next: Deployment = {
    ...patched,
    metadata: {
      ...patched.metadata,
      ...{ name, namespace, uid, creationTimestamp, generation: changed ? generation + 1 : generation },
    },
    // A client writes what it wants; what is seen is the controller's to write.
    status: current.status,
  };
  cluster.put(next);
  return cluster.find('Deployment', namespace, name) ?? next;
}
