import { ActionError } from '../errors.ts';
import type { FileSource } from './file-source.ts';
import { type GitObjects, UNREADABLE_OBJECT } from './git-objects.ts';
import type { GitEntry } from './git-tree.ts';
import type { KeptRepository } from './kept-repository.ts';

/**
 * The objects of a repository that is kept. It is a copy that may be damaged: the first object that cannot be read makes
 * everything be fetched anew, once.
 */
export class BranchObjects implements FileSource {
  readonly #repository: KeptRepository;
  readonly #fill: () => Promise<unknown>;
  #kept: Promise<GitObjects> | undefined;
  #renewed: Promise<GitObjects> | undefined;

  /** @param fill fetches everything that is read, unless it is here */
  constructor(repository: KeptRepository, fill: () => Promise<unknown>) {
    this.#repository = repository;
    this.#fill = fill;
  }

  read(id: string, path: string): Promise<Buffer> {
    return this.#attempt((objects) => objects.read(id, path));
  }

  readTree(id: string, path: string): Promise<GitEntry[]> {
    return this.#attempt((objects) => objects.readTree(id, path));
  }

  readCommit(id: string): Promise<string> {
    return this.#attempt((objects) => objects.readCommit(id));
  }

  async close(): Promise<void> {
    for (const opened of [this.#kept, this.#renewed]) {
      // Whoever read has been told why there is none.
      const objects = await opened?.catch(() => undefined);
      await objects?.close();
    }
  }

  async #attempt<T>(read: (objects: GitObjects) => Promise<T>): Promise<T> {
    if (this.#renewed === undefined) {
      try {
        this.#kept ??= this.#repository.open();
        return await read(await this.#kept);
      } catch (error) {
        if (!(error instanceof ActionError) || error.code !== UNREADABLE_OBJECT) throw error;
        this.#renewed ??= this.#renew();
      }
    }
    return read(await this.#renewed);
  }

  async #renew(): Promise<GitObjects> {
    await this.#repository.discard();
    await this.#fill();
    return this.#repository.open();
  }
}

/** Objects that are fetched when somebody asks for them, each with all that is in it. */
export class DeepObjects extends BranchObjects {
  readonly #needed: Set<string>;
  readonly #fetch: (ids: readonly string[]) => Promise<unknown>;
  #loading: Promise<unknown> = Promise.resolve();

  constructor(repository: KeptRepository, fetch: (ids: readonly string[]) => Promise<unknown>) {
    const needed = new Set<string>();
    super(repository, () => fetch([...needed]));
    this.#needed = needed;
    this.#fetch = fetch;
  }

  /** Fetches objects, unless they are here. */
  load(ids: readonly string[]): Promise<void> {
    const fresh = ids.filter((id) => !this.#needed.has(id));
    for (const id of fresh) this.#needed.add(id);
    // One after the other, so that nothing is fetched twice.
    const loading = this.#loading.then(() => (fresh.length === 0 ? undefined : this.#fetch(fresh)));
    this.#loading = loading.catch(() => undefined);
    return loading.then(() => undefined);
  }
}
