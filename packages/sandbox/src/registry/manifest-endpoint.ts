import type { IncomingMessage } from 'node:http';
import { digestOf, readDigest } from './digest.ts';
import { answer, type Exchange, type Habits, type Stores } from './exchange.ts';
import type { KeyedLock } from './keyed-lock.ts';
import { type Descriptor, type Manifest, parseManifest } from './manifest.ts';
import { isTag, type StoredManifest } from './manifest-store.ts';
import { RegistryError } from './registry-error.ts';

/** The size every registry must take; larger ones are refused, as most registries do. */
const MANIFEST_LIMIT = 4 * 1024 * 1024;

/** Answers HEAD, GET, PUT and DELETE of `/v2/<repository>/manifests/<reference>`; changes of a repository wait for each other. */
export async function handleManifest(
  exchange: Exchange,
  stores: Stores,
  habits: Habits,
  lock: KeyedLock,
  repository: string,
  reference: string,
): Promise<void> {
  switch (exchange.method) {
    case 'GET':
    case 'HEAD':
      return sendManifest(exchange, await stores.manifests.find(repository, reference), reference);
    case 'PUT': {
      const content = await readManifest(exchange.request);
      return lock.run(repository, () => putManifest(exchange, stores, habits, repository, reference, content));
    }
    case 'DELETE':
      if (!habits.deletes) throw new RegistryError(405, 'UNSUPPORTED', 'this registry deletes nothing');
      return lock.run(repository, async () => {
        const digest = readDigest(reference);
        const removed = await (digest === undefined
          ? isTag(reference) && stores.manifests.removeTag(repository, reference)
          : stores.manifests.remove(repository, digest));
        if (!removed) throw unknown(reference);
        answer(exchange, 202);
      });
    default:
      throw new RegistryError(405, 'UNSUPPORTED', `a manifest has no ${exchange.method}`);
  }
}

function sendManifest(exchange: Exchange, stored: StoredManifest | undefined, reference: string): void {
  if (stored === undefined) throw unknown(reference);
  if (!accepts(exchange.request.headers.accept, stored.mediaType)) {
    throw new RegistryError(404, 'MANIFEST_UNKNOWN', `manifest is ${stored.mediaType}, which Accept does not name`);
  }
  exchange.response.writeHead(200, {
    'content-type': stored.mediaType,
    'content-length': String(stored.content.length),
    'docker-content-digest': stored.digest.text,
    etag: `"${stored.digest.text}"`,
  });
  exchange.response.end(exchange.method === 'HEAD' ? undefined : stored.content);
}

async function putManifest(
  exchange: Exchange,
  stores: Stores,
  habits: Habits,
  repository: string,
  reference: string,
  content: Buffer,
): Promise<void> {
  const named = readDigest(reference);
  if (named === undefined && !isTag(reference)) {
    throw new RegistryError(400, 'MANIFEST_INVALID', 'reference is neither tag nor digest', { detail: reference });
  }
  const digest = digestOf(content, named?.algorithm);
  if (named !== undefined && named.text !== digest.text) {
    throw new RegistryError(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content', {
      detail: { provided: named.text, computed: digest.text },
    });
  }
  const manifest = parseManifest(content, exchange.request.headers['content-type']?.split(';')[0]?.trim());
  await checkReferences(stores, repository, manifest);
  await stores.manifests.put(repository, digest, content, manifest, named === undefined ? reference : undefined);
  const subject = habits.referrers ? manifest.subject : undefined;
  answer(exchange, 201, {
    location: `${habits.relativeLocations ? '' : exchange.origin}/v2/${repository}/manifests/${digest.text}`,
    'docker-content-digest': digest.text,
    ...(subject === undefined ? {} : { 'oci-subject': subject.text }),
  });
}

/** Refuses a manifest whose parts are not in the repository, or have another size than it says. */
async function checkReferences(stores: Stores, repository: string, manifest: Manifest): Promise<void> {
  const check = (part: Descriptor, size: number | undefined): void => {
    const detail = { digest: part.digest.text };
    if (size === undefined) {
      throw new RegistryError(400, 'MANIFEST_BLOB_UNKNOWN', 'manifest names what is not in the repository', { detail });
    }
    if (size !== part.size) {
      throw new RegistryError(400, 'MANIFEST_INVALID', `descriptor says ${part.size} bytes, not ${size}`, { detail });
    }
  };
  for (const blob of manifest.blobs) check(blob, await stores.blobs.sizeIn(repository, blob.digest));
  for (const child of manifest.manifests) {
    check(child, (await stores.manifests.find(repository, child.digest.text))?.content.length);
  }
}

/** Reads to the end even when it is too much: a client that is cut off in the middle never sees why. */
async function readManifest(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MANIFEST_LIMIT) chunks.push(chunk);
  }
  if (size > MANIFEST_LIMIT) {
    throw new RegistryError(413, 'SIZE_INVALID', `manifest of ${size} bytes is larger than ${MANIFEST_LIMIT}`);
  }
  return Buffer.concat(chunks);
}

function accepts(header: string | undefined, mediaType: string): boolean {
  if (header === undefined) return true;
  const wanted = header.split(',').map((range) => range.split(';')[0]?.trim().toLowerCase());
  return [mediaType, `${mediaType.split('/')[0]}/*`, '*/*'].some((range) => wanted.includes(range));
}

function unknown(reference: string): RegistryError {
  return new RegistryError(404, 'MANIFEST_UNKNOWN', 'manifest unknown', { detail: { reference } });
}
