import type { BranchObjects } from './branch-objects.ts';
import { DIRECTORY, type GitFile, type GitTree, rootOf, sortByPath } from './git-tree.ts';

/**
 * How deep a branch is known before anybody asks for more: to `packages/<name>/<version>`. Objects at this depth are
 * named and not here, so that a hundred thousand files cost nothing.
 */
export const OUTLINE_DEPTH = 3;

/** The upper part of a commit. */
export interface Outline {
  /** Seconds since 1970. */
  readonly time: number;
  /** Files and directories down to {@link OUTLINE_DEPTH}. */
  readonly tree: GitTree;
}

/** Reads the upper part of a commit. */
export async function readOutline(objects: BranchObjects, commit: string): Promise<Outline> {
  const text = await objects.readCommit(commit);
  const files: GitFile[] = [];
  const directories = new Map<string, string>();
  const walk = async (id: string, path: string, depth: number): Promise<void> => {
    const entries = await objects.readTree(id, path === '' ? 'The root directory' : path);
    await Promise.all(
      entries.map(async (entry) => {
        const place = path === '' ? entry.name : `${path}/${entry.name}`;
        if (entry.mode !== DIRECTORY) return void files.push(fileOf(place, entry));
        directories.set(place, entry.id);
        if (depth < OUTLINE_DEPTH) await walk(entry.id, place, depth + 1);
      }),
    );
  };
  await walk(rootOf(text), '', 1);
  return {
    // The commit's date is when the image counts as made.
    time: Number(/^committer .* (\d+) [-+]\d{4}$/m.exec(text)?.[1]),
    tree: {
      files: sortByPath(files, ({ path }) => path),
      directories: new Map(sortByPath(directories, ([path]) => path)),
    },
  };
}

/** Returns a directory's entry as a file of the commit. */
export function fileOf(path: string, { mode, id }: { readonly mode: string; readonly id: string }): GitFile {
  return { path, mode: readMode(mode), id };
}

/** Old repositories have modes such as 100664, which git reads as 100644. */
function readMode(mode: string): GitFile['mode'] {
  if (mode === '120000' || mode === '160000') return mode;
  return (Number.parseInt(mode, 8) & 0o100) === 0 ? '100644' : '100755';
}
