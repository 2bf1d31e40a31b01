import type { TreeEntry, TreeMode } from '../github/git-data.ts';
import type { TreeReader } from '../github/tree-reader.ts';
import { DIRECTORY } from './packages.ts';
import { type NewTree, newTree, type TreeEdit } from './tree-edit.ts';

/** What shall become of a file: this blob, or nothing. */
export interface FileChange {
  /** From the root of the repository. */
  readonly path: string;
  readonly blob: { readonly id: string; readonly mode: TreeMode } | null;
}

/**
 * Returns the root that a branch has after some of its files have changed. Only the directories on the way to them are
 * read; everything else keeps its id and mode.
 */
export async function editFiles(reader: TreeReader, commit: string, changes: readonly FileChange[]): Promise<TreeEdit> {
  const parts = changes.map(({ path, blob }) => ({ names: path.split('/'), blob }));
  const { entries, levels } = await editDirectory(reader, await reader.read(commit), parts);
  const root = newTree(entries);
  return { tree: root.id, levels: [...levels, [root]] };
}

interface Change {
  readonly names: readonly string[];
  readonly blob: FileChange['blob'];
}

async function editDirectory(
  reader: TreeReader,
  entries: readonly TreeEntry[],
  changes: readonly Change[],
): Promise<{ entries: readonly TreeEntry[]; levels: readonly (readonly NewTree[])[] }> {
  const byFirst = Map.groupBy(changes, ({ names: [first = ''] }) => first);
  const edited = entries.filter(({ path }) => !byFirst.has(path));
  const levels: (readonly NewTree[])[] = [];
  for (const [path, ofPath] of byFirst) {
    const file = ofPath.find(({ names, blob }) => names.length === 1 && blob !== null);
    if (file?.blob != null) {
      edited.push({ path, ...file.blob });
      continue;
    }
    const before = entries.find((entry) => entry.path === path);
    const isDirectory = before?.mode === DIRECTORY;
    const below = ofPath
      .filter(({ names }) => names.length > 1)
      .map(({ names, blob }) => ({ names: names.slice(1), blob }));
    const inside = await editDirectory(reader, isDirectory ? await reader.read(before.id) : [], below);
    if (inside.entries.length === 0) continue;
    const tree = newTree(inside.entries);
    levels.push(...inside.levels, [tree]);
    edited.push({ path, mode: DIRECTORY, id: tree.id });
  }
  return { entries: edited, levels };
}
