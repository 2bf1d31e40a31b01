import { ActionError } from '../errors.ts';
import { Pool } from '../util/pool.ts';
import type { GitHub } from './connect.ts';
import { gitBlobId } from './git-object.ts';
import { AnswerReader } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';

/** GitHub asks not to send many requests at once; https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api. */
const AT_ONCE = 8;

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
    }
    return blob;
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
