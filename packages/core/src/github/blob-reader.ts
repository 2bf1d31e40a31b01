import { ActionError, ConfigurationError } from '../errors.ts';
import { mapPooled, Pool } from '../util/pool.ts';
import { queryBlobs } from './blob-query.ts';
import type { GitHub } from './connect.ts';
import { gitBlobId } from './git-object.ts';
import { AnswerReader } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';
import type { RepositoryFile } from './repository-files.ts';

/** GitHub asks not to send many requests at once; https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api. */
const AT_ONCE = 8;

/** So few blobs cost little one by one. */
const FEW = 8;

/** Blobs of one query. */
const TOGETHER = 100;

/** Bytes of the largest blob that is asked for by query: a hundred of them are still an answer of a few megabytes. */
const SMALL = 64 * 1024;

/** A blob, and how large the listing says that it is. */
export type ListedBlob = Pick<RepositoryFile, 'id' | 'size'>;

/** Reads blobs of one repository, each id once, and checks that the bytes are those the id stands for. */
export class BlobReader {
  readonly #github: GitHub;
  readonly #repository: string;
  readonly #pool = new Pool(AT_ONCE);
  readonly #blobs = new Map<string, Promise<Buffer>>();

  constructor(github: GitHub, repository: string) {
    this.#github = github;
    this.#repository = repository;
  }

  read(id: string): Promise<Buffer> {
    let blob = this.#blobs.get(id);
    if (blob === undefined) {
      blob = this.#pool.run(() => this.#fetch(id));
      this.#blobs.set(id, blob);
      // What could not be read once may be there the next time.
      blob.catch(() => this.#blobs.delete(id));
    }
    return blob;
  }

  /**
   * Reads many blobs and returns them in their order.
   *
   * A job's token has a thousand requests an hour, and a repository may have hundreds of plugins: so small ones are asked
   * for by the hundred. That saves requests and changes nothing else: what does not come that way is read one by one.
   */
  async readMany(blobs: readonly ListedBlob[]): Promise<readonly Buffer[]> {
    const small = blobs.filter(({ id, size }) => size <= SMALL && !this.#blobs.has(id));
    const ids = [...new Set(small.map(({ id }) => id))];
    if (ids.length > FEW) await this.#fetchTogether(ids);
    return mapPooled(blobs, AT_ONCE, ({ id }) => this.read(id));
  }

  async #fetchTogether(ids: readonly string[]): Promise<void> {
    try {
      for (let start = 0; start < ids.length; start += TOGETHER) {
        const some = ids.slice(start, start + TOGETHER);
        for (const [id, bytes] of await queryBlobs(this.#github, this.#repository, some)) {
          this.#blobs.set(id, Promise.resolve(bytes));
        }
      }
    } catch (error) {
      // There is no GraphQL, or not for this token. If the reason holds for everything, the next request will say so.
      if (!(error instanceof ActionError || error instanceof ConfigurationError)) throw error;
    }
  }

  async #fetch(id: string): Promise<Buffer> {
    const purpose = { what: `the blob ${id} of ${this.#repository}`, permission: 'contents: read' };
    const read = new AnswerReader(purpose.what);
    const parameters = { ...splitRepository(this.#repository), file_sha: id };
    const answer = await this.#github.get('/repos/{owner}/{repo}/git/blobs/{file_sha}', parameters, purpose);
    const blob = read.object(answer, 'blob');
    const encoding = read.text(blob['encoding'], 'encoding') === 'base64' ? 'base64' : 'utf8';
    const bytes = Buffer.from(read.text(blob['content'], 'content'), encoding);
    if (gitBlobId(bytes) === id) return bytes;
    throw new ActionError(
      'blob-mismatch',
      `GitHub sent bytes that are not the blob ${id} of ${this.#repository}. Something between GitHub and here changes ` +
        'answers, or the answer was damaged on the way: run again.',
    );
  }
}
