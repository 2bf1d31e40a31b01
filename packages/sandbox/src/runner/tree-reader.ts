import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** Reads files of the tree a workflow came from: a repository at a commit, or the assembled tree of actions. */
export interface TreeReader {
  /** Says in errors which tree it is. */
  readonly name: string;
  /** Where the tree lies on disk, if it does: its actions are run in place. */
  readonly directory?: string;
  /** Returns a file's text, undefined when there is none. */
  read(path: string): Promise<string | undefined>;
}

/** Reads a tree on disk. */
export function directoryTree(directory: string, name: string = directory): TreeReader {
  const root = resolve(directory);
  return {
    name,
    directory: root,
    read: (path) =>
      readFile(join(root, path), 'utf8').catch((error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }),
  };
}
