import { ActionError } from '../errors.ts';
import type { FileSource } from './file-source.ts';
import { type GitBlobs, UNREADABLE_OBJECT } from './git-blobs.ts';

/**
 * The files of a commit. What is kept of a repository is a copy that may be damaged: the first file that cannot be read
 * makes it be fetched anew, once.
 */
export class BranchFiles implements FileSource {
  readonly #kept: GitBlobs;
  readonly #renew: () => Promise<GitBlobs>;
  #renewed: Promise<GitBlobs> | undefined;

  constructor(kept: GitBlobs, renew: () => Promise<GitBlobs>) {
    this.#kept = kept;
    this.#renew = renew;
  }

  async read(id: string, path: string): Promise<Buffer> {
    if (this.#renewed === undefined) {
      try {
        return await this.#kept.read(id, path);
      } catch (error) {
        if (!(error instanceof ActionError) || error.code !== UNREADABLE_OBJECT) throw error;
        this.#renewed ??= this.#renew();
      }
    }
    return (await this.#renewed).read(id, path);
  }

  async close(): Promise<void> {
    await this.#kept.close();
    // Whoever read has been told why there is no other one.
    const renewed = await this.#renewed?.catch(() => undefined);
    await renewed?.close();
  }
}
