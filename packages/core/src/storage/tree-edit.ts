import { ActionError } from '../errors.ts';
import type { GitHub } from '../github/connect.ts';
import { type TreeEntry, writeBlob, writeTree } from '../github/git-data.ts';
import { gitBlobId, gitTreeId } from '../github/git-object.ts';
import { mapPooled } from '../util/pool.ts';

/** GitHub asks not to send many requests at once. */
const AT_ONCE = 4;

/** A tree to write, and the id it must get. */
export interface NewTree {
  readonly id: string;
  readonly entries: readonly TreeEntry[];
}

/** A new root of a branch, and the trees that must be written for it; the lowest stand in the first level. */
export interface TreeEdit {
  /** The root's id, known before anything is written. */
  readonly tree: string;
  readonly levels: readonly (readonly NewTree[])[];
}

/** Returns the tree of these entries. */
export function newTree(entries: readonly TreeEntry[]): NewTree {
  return { id: gitTreeId(entries), entries };
}

/** A file to stand in a new tree. */
export interface NewFile {
  /** From the root of the tree. */
  readonly path: string;
  readonly bytes: Buffer;
}

/** Returns the tree of some regular files, with the trees below it, the lowest first. */
export function treeOfFiles(files: readonly NewFile[]): TreeEdit {
  const { entries, levels } = layOut(
    files.map(({ path, bytes }) => ({ names: path.split('/'), id: gitBlobId(bytes) })),
  );
  const root = newTree(entries);
  return { tree: root.id, levels: [...levels, [root]] };
}

interface LaidOut {
  readonly entries: readonly TreeEntry[];
  readonly levels: readonly (readonly NewTree[])[];
}

function layOut(files: readonly { readonly names: readonly string[]; readonly id: string }[]): LaidOut {
  const byFirst = Map.groupBy(files, ({ names: [first = ''] }) => first);
  const levels: (readonly NewTree[])[] = [];
  const entries = [...byFirst].map(([path, below]): TreeEntry => {
    const [file] = below;
    if (file?.names.length === 1) return { path, mode: '100644', id: file.id };
    const inside = layOut(below.map(({ names, id }) => ({ names: names.slice(1), id })));
    const tree = newTree(inside.entries);
    levels.push(...inside.levels, [tree]);
    return { path, mode: '040000', id: tree.id };
  });
  return { entries, levels };
}

/** Writes the blobs of files that a tree will name. */
export async function writeFiles(github: GitHub, repository: string, files: readonly NewFile[]): Promise<void> {
  await mapPooled(files, AT_ONCE, ({ bytes }) => writeBlob(github, repository, bytes));
}

/** Writes the trees of an edit; each must get the id that was planned for it. */
export async function writeEdit(github: GitHub, repository: string, { levels }: TreeEdit): Promise<void> {
  for (const level of levels) {
    await mapPooled(level, AT_ONCE, async ({ id, entries }) => {
      const written = await writeTree(github, repository, entries);
      if (written === id) return;
      throw new ActionError(
        'tree-mismatch',
        `GitHub wrote the tree ${written} where ${id} was planned, so it holds something else. Nothing was moved.`,
      );
    });
  }
}
