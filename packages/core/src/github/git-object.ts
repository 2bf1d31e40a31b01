import { createHash } from 'node:crypto';
import type { TreeEntry } from './git-data.ts';

/** Returns the id under which git knows these bytes as a blob; https://git-scm.com/book/en/v2/Git-Internals-Git-Objects. */
export function gitBlobId(bytes: Buffer): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

/**
 * Returns the id under which git knows a tree of these entries: what GitHub must answer when it writes them.
 *
 * Git sorts by bytes, directories as if their names ended in a slash, and writes their mode without the leading zero.
 */
export function gitTreeId(entries: readonly TreeEntry[]): string {
  const lines = entries
    .map((entry) => ({ entry, key: Buffer.from(entry.mode === '040000' ? `${entry.path}/` : entry.path) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ entry: { path, mode, id } }) =>
      Buffer.concat([Buffer.from(`${mode.replace(/^0/, '')} ${path}\0`), Buffer.from(id, 'hex')]),
    );
  const content = Buffer.concat(lines);
  return createHash('sha1').update(`tree ${content.length}\0`).update(content).digest('hex');
}
