import type { GitRepository } from './git-repository.ts';
import { emptyTree, type TreeEntry, type TreeMode, treeOid } from './objects.ts';

export interface TreeChange {
  readonly path: string;
  /** Null takes the entry away. */
  readonly entry: { readonly mode: TreeMode; readonly oid: string } | null;
}

/** Thrown for a removal of something that is not there. */
export class MissingEntryError extends Error {}

interface Directory {
  /** The id of the tree while nothing in it has changed. */
  oid: string | undefined;
  readonly entries: Map<string, TreeEntry | Directory>;
}

/**
 * Applies changes to a tree, in their order, and returns the id of the new one; only directories on the way to a change
 * are read and written, so the size of the rest does not matter.
 */
export async function editTree(
  git: GitRepository,
  base: string | undefined,
  changes: readonly TreeChange[],
): Promise<string> {
  const root = await open(git, base ?? emptyTree);
  for (const { path, entry } of changes) await change(git, root, path.split('/'), path, entry);
  const trees: TreeEntry[][] = [];
  const oid = collect(root, trees);
  if (oid === undefined) return git.write('tree', '');
  await git.writeTrees(trees);
  return oid;
}

async function open(git: GitRepository, oid: string): Promise<Directory> {
  const entries = oid === emptyTree ? [] : await git.tree(oid);
  if (entries === undefined) throw new Error(`there is no tree ${oid}`);
  return { oid, entries: new Map(entries.map((entry) => [entry.name, entry])) };
}

const isDirectory = (value: TreeEntry | Directory | undefined): value is Directory =>
  value !== undefined && 'entries' in value;

async function change(
  git: GitRepository,
  directory: Directory,
  steps: readonly string[],
  path: string,
  entry: TreeChange['entry'],
): Promise<void> {
  const [name = '', ...rest] = steps;
  const existing = directory.entries.get(name);
  directory.oid = undefined;
  if (rest.length === 0) {
    if (entry !== null) directory.entries.set(name, { name, ...entry });
    else if (existing === undefined || isDirectory(existing) || existing.mode === '040000') {
      // Only files can be taken away by name in GitHub's documentation.
      throw new MissingEntryError(path);
    } else directory.entries.delete(name);
    return;
  }
  let below: Directory;
  if (isDirectory(existing)) below = existing;
  else if (existing?.mode === '040000') below = await open(git, existing.oid);
  else if (entry === null) throw new MissingEntryError(path);
  else below = { oid: undefined, entries: new Map() };
  directory.entries.set(name, below);
  await change(git, below, rest, path, entry);
}

/** Adds a directory and those below it to the trees to write; undefined for an empty one, which git does not keep. */
function collect(directory: Directory, trees: TreeEntry[][]): string | undefined {
  if (directory.oid !== undefined) return directory.oid;
  const entries: TreeEntry[] = [];
  for (const [name, entry] of directory.entries) {
    const oid = isDirectory(entry) ? collect(entry, trees) : entry.oid;
    if (oid !== undefined) entries.push({ name, mode: isDirectory(entry) ? '040000' : entry.mode, oid });
  }
  if (entries.length === 0) return undefined;
  trees.push(entries);
  return treeOid(entries);
}
