import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { readChunkRange } from './byte-range.ts';
import { type Digest, readDigest, requireDigest } from './digest.ts';
import { answer, type Exchange, type Habits, type Stores } from './exchange.ts';
import type { KeyedLock } from './keyed-lock.ts';
import { RegistryError } from './registry-error.ts';
import { isRepository } from './route.ts';
import type { Upload } from './upload-store.ts';

/** Answers POST of `/v2/<repository>/blobs/uploads/`: mounts a blob, takes a whole one, or opens an upload. */
export async function openUpload(
  exchange: Exchange,
  stores: Stores,
  habits: Habits,
  repository: string,
): Promise<void> {
  if (exchange.method !== 'POST') throw new RegistryError(405, 'UNSUPPORTED', `uploads have no ${exchange.method}`);
  const mount = readDigest(exchange.query.get('mount') ?? '');
  const from = exchange.query.get('from') ?? '';
  if (mount !== undefined && habits.mount === 'allow' && isRepository(from)) {
    if ((await stores.blobs.sizeIn(from, mount)) !== undefined) {
      await stores.blobs.link(repository, mount);
      return created(exchange, habits, repository, mount);
    }
  }
  const whole = exchange.query.get('digest');
  const digest = whole === null ? undefined : requireDigest(whole);
  const upload = await stores.uploads.create(repository);
  if (digest === undefined) return answer(exchange, 202, progress(exchange, habits, upload));
  try {
    await finish(stores, await stores.uploads.append(upload, body(exchange.request)), digest);
  } finally {
    // The client has no address to come back to: what arrived of a broken request is of no use.
    await stores.uploads.cancel(upload);
  }
  return created(exchange, habits, repository, digest);
}

/**
 * Answers PATCH, PUT, GET and DELETE of an upload's address, one after the other.
 *
 * An address is good for one offset: PATCH and PUT must use the latest one, and are told it with a 416 otherwise. GET
 * takes any of the upload's addresses, because a client whose connection broke has only an old one.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
export function handleUpload(
  exchange: Exchange,
  stores: Stores,
  habits: Habits,
  lock: KeyedLock,
  repository: string,
  id: string,
): Promise<void> {
  return lock.run(id, async () => {
    const upload = await stores.uploads.find(repository, id);
    if (upload === undefined) {
      throw new RegistryError(404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry', { detail: { id } });
    }
    switch (exchange.method) {
      case 'GET':
        return answer(exchange, 204, progress(exchange, habits, upload));
      case 'PATCH':
        requireBytes(exchange);
        return answer(exchange, 202, progress(exchange, habits, await appendChunk(exchange, stores, habits, upload)));
      case 'PUT': {
        const digest = requireDigest(exchange.query.get('digest'));
        await finish(stores, await appendChunk(exchange, stores, habits, upload), digest);
        return created(exchange, habits, repository, digest);
      }
      case 'DELETE':
        await stores.uploads.cancel(upload);
        return answer(exchange, 204);
      default:
        throw new RegistryError(405, 'UNSUPPORTED', `an upload has no ${exchange.method}`);
    }
  });
}

/** The reference registry answers a PATCH of any other type with a bare 500; this one says what is wrong. */
function requireBytes(exchange: Exchange): void {
  const type = exchange.request.headers['content-type'] ?? '';
  if (type === '' || type === 'application/octet-stream') return;
  throw new RegistryError(400, 'BLOB_UPLOAD_INVALID', 'Content-Type is not application/octet-stream', { detail: type });
}

async function appendChunk(exchange: Exchange, stores: Stores, habits: Habits, upload: Upload): Promise<Upload> {
  const header = exchange.request.headers['content-range'];
  const range = header === undefined ? undefined : readChunkRange(header);
  if (header !== undefined && range === undefined) {
    throw new RegistryError(400, 'BLOB_UPLOAD_INVALID', 'Content-Range is not <first>-<last>', { detail: header });
  }
  const stale = exchange.query.get('_state') !== state(upload);
  if (stale || (range !== undefined && range.start !== upload.size)) {
    throw new RegistryError(
      416,
      'BLOB_UPLOAD_INVALID',
      stale ? 'location is not the latest one' : 'chunk out of order',
      {
        headers: progress(exchange, habits, upload),
      },
    );
  }
  if (range !== undefined && exchange.request.headers['content-length'] !== String(range.end - range.start + 1)) {
    throw new RegistryError(400, 'SIZE_INVALID', 'Content-Length and Content-Range differ', { detail: header });
  }
  return stores.uploads.append(upload, body(exchange.request));
}

async function finish(stores: Stores, upload: Upload, digest: Digest): Promise<void> {
  if (await stores.uploads.commit(upload, digest)) return;
  throw new RegistryError(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content', {
    detail: { digest: digest.text },
  });
}

function created(exchange: Exchange, habits: Habits, repository: string, digest: Digest): void {
  answer(exchange, 201, {
    location: `${prefix(exchange, habits)}/v2/${repository}/blobs/${digest.text}`,
    'docker-content-digest': digest.text,
  });
}

/** Tells where to go on. An empty upload has the range `0-0`: the header cannot say "nothing". */
function progress(exchange: Exchange, habits: Habits, upload: Upload): Record<string, string> {
  const path = `/v2/${upload.repository}/blobs/uploads/${upload.id}`;
  return {
    location: `${prefix(exchange, habits)}${path}?_state=${state(upload)}`,
    range: `0-${Math.max(upload.size - 1, 0)}`,
    'docker-upload-uuid': upload.id,
  };
}

/** Makes the part of an upload's address that changes with its offset; a hash, so that nobody reads it. */
function state(upload: Upload): string {
  return createHash('sha256').update(`${upload.id} ${upload.size}`).digest('base64url').slice(0, 24);
}

function prefix(exchange: Exchange, habits: Habits): string {
  return habits.relativeLocations ? '' : exchange.origin;
}

/** A request without encoding is a stream of buffers; node's type leaves that open. */
function body(request: IncomingMessage): AsyncIterable<Buffer> {
  return request;
}
