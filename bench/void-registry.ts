import { createHash, type Hash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ListeningServer, listen, readBody } from '@slipway/sandbox/http-server';

/** Content that a registry can give away; `open` is absent when it was thrown away. */
export interface VoidBlob {
  readonly size: number;
  open?(start: number, end: number): Readable;
}

interface Manifest {
  readonly content: Buffer;
  readonly mediaType: string;
}

interface Upload {
  readonly hash: Hash;
  size: number;
}

/**
 * Starts a registry that keeps nothing: it gives away `blobs`, and takes blobs, which it hashes and throws away, so that
 * images of any size move without a disk. Manifests it remembers.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 */
export function startVoidRegistry(
  blobs: Map<string, VoidBlob>,
  manifests: Map<string, Manifest>,
): Promise<ListeningServer> {
  const uploads = new Map<string, Upload>();
  return listen({}, async (request, response, url) => {
    const [, repository = '', kind, reference = ''] =
      /^\/v2\/(.+)\/(manifests|blobs\/uploads|blobs)\/(.*)$/.exec(url.pathname) ?? [];
    if (kind === 'manifests') await answerManifest(manifests, repository, reference, request, response);
    else if (kind === 'blobs') await answerBlob(blobs.get(reference), reference, request, response);
    else if (kind === 'blobs/uploads') await answerUpload(uploads, blobs, reference, request, response, url);
    else response.end('{}');
  });
}

async function answerManifest(
  manifests: Map<string, Manifest>,
  repository: string,
  reference: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method === 'PUT') {
    const manifest = { content: await readBody(request), mediaType: request.headers['content-type'] ?? '' };
    for (const name of [reference, digestOf(manifest.content)]) manifests.set(`${repository}:${name}`, manifest);
    response.writeHead(201, { 'docker-content-digest': digestOf(manifest.content) }).end();
    return;
  }
  const manifest = manifests.get(`${repository}:${reference}`);
  if (manifest === undefined) return refuse(response, 'MANIFEST_UNKNOWN');
  const { content, mediaType } = manifest;
  response.writeHead(200, {
    'content-type': mediaType,
    'content-length': content.length,
    'docker-content-digest': digestOf(content),
  });
  response.end(request.method === 'HEAD' ? undefined : content);
}

async function answerBlob(
  blob: VoidBlob | undefined,
  digest: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (blob === undefined) return refuse(response, 'BLOB_UNKNOWN');
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const start = Number(first ?? 0);
  const end = last === undefined || last === '' ? blob.size : Math.min(blob.size, Number(last) + 1);
  response.writeHead(first === undefined ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'content-length': end - start,
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    ...(first !== undefined && { 'content-range': `bytes ${start}-${end - 1}/${blob.size}` }),
  });
  if (request.method === 'HEAD') response.end();
  else if (blob.open === undefined) response.destroy();
  else await pipeline(blob.open(start, end), response);
}

async function answerUpload(
  uploads: Map<string, Upload>,
  blobs: Map<string, VoidBlob>,
  id: string,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  if (request.method === 'POST') {
    const opened = randomUUID();
    uploads.set(opened, { hash: createHash('sha256'), size: 0 });
    response.writeHead(202, { location: `${url.pathname}${opened}`, range: '0-0', 'docker-upload-uuid': opened }).end();
    return;
  }
  const upload = uploads.get(id);
  if (upload === undefined) return refuse(response, 'BLOB_UPLOAD_UNKNOWN');
  for await (const bytes of request as AsyncIterable<Buffer>) {
    upload.hash.update(bytes);
    upload.size += bytes.length;
  }
  if (request.method !== 'PUT') {
    const range = `0-${Math.max(0, upload.size - 1)}`;
    response.writeHead(request.method === 'PATCH' ? 202 : 204, { location: url.pathname, range }).end();
    return;
  }
  uploads.delete(id);
  const digest = `sha256:${upload.hash.digest('hex')}`;
  if (digest !== url.searchParams.get('digest')) return refuse(response, 'DIGEST_INVALID', 400);
  blobs.set(digest, { size: upload.size });
  response.writeHead(201, { location: url.pathname, 'docker-content-digest': digest }).end();
}

function refuse(response: ServerResponse, code: string, status = 404): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ errors: [{ code }] }));
}

export function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
