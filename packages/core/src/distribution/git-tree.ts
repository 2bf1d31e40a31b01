import type { FileMode } from '../github/repository-files.ts';

/** A file of a commit. */
export interface GitFile {
  /** From the root of the repository. */
  readonly path: string;
  readonly mode: FileMode;
  readonly id: string;
}

/** What a commit holds, or the upper part of it. */
export interface GitTree {
  /** Sorted by path. */
  readonly files: readonly GitFile[];
  /** The ids of directories, by path. */
  readonly directories: ReadonlyMap<string, string>;
}

/** One line of a directory. */
export interface GitEntry {
  readonly name: string;
  /** `40000` is a directory's. */
  readonly mode: string;
  readonly id: string;
}

/** What a directory's entry has as its mode. */
export const DIRECTORY = '40000';

/** Says whether a text is the full id of a commit. */
export function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

/** Returns the id of the root directory of a commit object. */
export function rootOf(commit: string): string {
  return /^tree ([0-9a-f]+)$/m.exec(commit)?.[1] ?? '';
}

/** Parses a tree object; https://git-scm.com/book/en/v2/Git-Internals-Git-Objects#_tree_objects. */
export function parseTreeObject(bytes: Buffer): GitEntry[] {
  const entries: GitEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const end = bytes.indexOf(0, space);
    if (space === -1 || end === -1) throw new RangeError('the tree object is cut off');
    const mode = bytes.toString('latin1', at, space);
    const name = bytes.toString('utf8', space + 1, end);
    entries.push({ name, mode, id: bytes.toString('hex', end + 1, end + 21) });
    at = end + 21;
  }
  return entries;
}

/** Orders paths by their bytes, so that every machine has the same order. */
export function comparePaths(a: string, b: string): number {
  if (a === b) return 0;
  return isAscii(a) && isAscii(b) ? (a < b ? -1 : 1) : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Returns things in the order of their paths. */
export function sortByPath<T>(things: Iterable<T>, pathOf: (thing: T) => string): T[] {
  const list = [...things];
  // Looked at once, and not with every comparison: there may be a hundred thousand.
  const isPlain = list.every((thing) => isAscii(pathOf(thing)));
  const compare = isPlain ? (a: string, b: string) => (a < b ? -1 : Number(a > b)) : comparePaths;
  return list.sort((a, b) => compare(pathOf(a), pathOf(b)));
}

function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}
