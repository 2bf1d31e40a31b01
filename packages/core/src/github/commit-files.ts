import type { BlobReader } from './blob-reader.ts';
import type { GitHub } from './connect.ts';
import { checkSize, isRegular, type RepositoryFile, type RepositoryFiles } from './repository-files.ts';
import { findFile, listTree } from './tree.ts';

/** The files of a repository at one commit, read through the API: nothing is checked out. */
export class CommitFiles implements RepositoryFiles {
  readonly commit: string;
  readonly #github: GitHub;
  readonly #repository: string;
  readonly #blobs: BlobReader;

  /** `blobs` may be shared with other commits of the same repository. */
  constructor(github: GitHub, repository: string, commit: string, blobs: BlobReader) {
    this.commit = commit;
    this.#github = github;
    this.#repository = repository;
    this.#blobs = blobs;
  }

  list(directory: string): Promise<readonly RepositoryFile[]> {
    return listTree(this.#github, this.#repository, this.commit, directory);
  }

  read({ id }: RepositoryFile): Promise<Buffer> {
    return this.#blobs.read(id);
  }

  readMany(files: readonly RepositoryFile[]): Promise<readonly Buffer[]> {
    return this.#blobs.readMany(files);
  }

  async find(path: string): Promise<Buffer | undefined> {
    const file = await findFile(this.#github, this.#repository, this.commit, path);
    if (file === undefined || !isRegular(file)) return undefined;
    checkSize(path, file.size);
    return this.read(file);
  }
}
