import type { FileMode } from '../github/repository-files.ts';

/** A file of a commit. */
export interface GitFile {
  /** From the root of the repository. */
  readonly path: string;
  readonly mode: FileMode;
  readonly id: string;
  /** Bytes; 0 for a submodule. */
  readonly size: number;
}

/** What a commit holds. */
export interface GitTree {
  /** Sorted by path. */
  readonly files: readonly GitFile[];
  /** The ids of all directories, by path. */
  readonly directories: ReadonlyMap<string, string>;
  /** Files whose size git cannot tell, for their object is damaged or missing. */
  readonly damaged: readonly { readonly path: string; readonly id: string }[];
}

/** Parses what `git ls-tree -r -t -z --long` prints; https://git-scm.com/docs/git-ls-tree#_output_format. */
export function parseTree(listing: Buffer): GitTree {
  const files: GitFile[] = [];
  const directories = new Map<string, string>();
  const damaged: { path: string; id: string }[] = [];
  for (const line of listing.toString('utf8').split('\0')) {
    const [, mode = '', type = '', id = '', size = '', path = ''] =
      /^(\d{6}) (\w+) ([0-9a-f]+) +(\S+)\t(.*)$/s.exec(line) ?? [];
    if (type === 'tree') directories.set(path, id);
    else if (type === 'blob' && !/^\d+$/.test(size)) damaged.push({ path, id });
    else if (type === 'blob' || type === 'commit') {
      files.push({ path, mode: mode as FileMode, id, size: type === 'blob' ? Number(size) : 0 });
    }
  }
  return { files: files.sort((a, b) => comparePaths(a.path, b.path)), directories, damaged };
}

/** Orders paths by their bytes, so that every machine has the same order. */
export function comparePaths(a: string, b: string): number {
  if (a === b) return 0;
  return isAscii(a) && isAscii(b) ? (a < b ? -1 : 1) : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}
