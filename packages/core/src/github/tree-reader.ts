import { Pool } from '../util/pool.ts';
import type { GitHub } from './connect.ts';
import { readTreeEntries, type TreeEntry } from './git-data.ts';

/** GitHub asks not to send many requests at once; https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api. */
const AT_ONCE = 8;

/** Reads trees of one repository, each id once: an id stands for its content for ever. */
export class TreeReader {
  readonly #github: GitHub;
  readonly #repository: string;
  readonly #pool = new Pool(AT_ONCE);
  readonly #trees = new Map<string, Promise<readonly TreeEntry[]>>();

  constructor(github: GitHub, repository: string) {
    this.#github = github;
    this.#repository = repository;
  }

  /** Returns the entries of a tree, or of a commit's root. */
  read(id: string): Promise<readonly TreeEntry[]> {
    let tree = this.#trees.get(id);
    if (tree === undefined) {
      tree = this.#pool.run(() => readTreeEntries(this.#github, this.#repository, id));
      this.#trees.set(id, tree);
      // What could not be read once may be there the next time.
      tree.catch(() => this.#trees.delete(id));
    }
    return tree;
  }
}
