import { ConfigurationError } from '../errors.ts';

/** Git's modes of what a tree can hold besides other trees; https://git-scm.com/docs/git-fast-import#_filemodify. */
export type FileMode = '100644' | '100755' | '120000' | '160000';

/** A file as a listing shows it, not read yet. */
export interface RepositoryFile {
  /** From the root of the repository. */
  readonly path: string;
  /** `special` is what git cannot hold, and only a disk can: a pipe, a socket or a device. */
  readonly mode: FileMode | 'special';
  /** Bytes; 0 for a submodule. */
  readonly size: number;
  /** Git's id of the content: a blob's, or a submodule's commit. */
  readonly id: string;
}

/** The files of a repository, at one commit through the API or in a directory on disk. */
export interface RepositoryFiles {
  /** The commit they are read at; empty for a directory on disk. */
  readonly commit: string;
  /**
   * Returns all files below `directory`, sorted by path. Where there is no such directory: none at a commit, for git does
   * not know empty ones; a ConfigurationError on a disk.
   */
  list(directory: string): Promise<readonly RepositoryFile[]>;
  /** Returns the content of a listed file; never follows a symlink. */
  read(file: RepositoryFile): Promise<Buffer>;
  /** Returns the content of listed files, in their order. */
  readMany(files: readonly RepositoryFile[]): Promise<readonly Buffer[]>;
  /** Returns the content of a regular file of at most 1 MiB, or undefined when there is none at `path`. */
  find(path: string): Promise<Buffer | undefined>;
}

/** Tells regular files from symlinks and submodules. */
export function isRegular({ mode }: Pick<RepositoryFile, 'mode'>): boolean {
  return mode === '100644' || mode === '100755';
}

/** Throws a ConfigurationError for a file that is larger than anything people write. */
export function checkSize(path: string, size: number): void {
  if (size <= 1024 * 1024) return;
  throw new ConfigurationError('file-too-large', `${path} has ${size} bytes; more than 1 MiB is not read.`);
}
