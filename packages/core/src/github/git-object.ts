import { createHash } from 'node:crypto';

/** Returns the id under which git knows these bytes as a blob; https://git-scm.com/book/en/v2/Git-Internals-Git-Objects. */
export function gitBlobId(bytes: Buffer): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}
