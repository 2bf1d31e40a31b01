import { sendFile } from './blob-answer.ts';
import { requireDigest } from './digest.ts';
import { answer, type Exchange, type Habits, type Stores } from './exchange.ts';
import { RegistryError } from './registry-error.ts';

/** Answers HEAD, GET and DELETE of `/v2/<repository>/blobs/<digest>`. */
export async function handleBlob(
  exchange: Exchange,
  { blobs }: Stores,
  habits: Habits,
  repository: string,
  reference: string,
): Promise<void> {
  const digest = requireDigest(reference);
  const size = await blobs.sizeIn(repository, digest);
  switch (exchange.method) {
    case 'GET':
    case 'HEAD':
      if (size === undefined) throw unknown(digest.text);
      if (exchange.method === 'GET' && habits.blobHost !== undefined) {
        return answer(exchange, 307, { location: `${habits.blobHost}/${digest.text}` });
      }
      return sendFile(exchange.request, exchange.response, { path: blobs.path(digest), size, digest: digest.text });
    case 'DELETE':
      if (!habits.deletes) throw new RegistryError(405, 'UNSUPPORTED', 'this registry deletes nothing');
      if (!(await blobs.unlink(repository, digest))) throw unknown(digest.text);
      return answer(exchange, 202, { 'docker-content-digest': digest.text });
    default:
      throw new RegistryError(405, 'UNSUPPORTED', `a blob has no ${exchange.method}`);
  }
}

function unknown(digest: string): RegistryError {
  return new RegistryError(404, 'BLOB_UNKNOWN', 'blob unknown to registry', { detail: { digest } });
}
