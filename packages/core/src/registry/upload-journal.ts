import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../image/digest.ts';
import { partialPath, sweepPartials } from '../util/partial-file.ts';
import { isRecord } from '../util/record.ts';

/** What an upload is of, and where it goes. */
export interface UploadKey {
  /** `harbor.example.com/release/app`. */
  readonly repository: string;
  readonly digest: Digest;
}

/**
 * Remembers in a lasting directory at which address each large upload can be taken up by the next process.
 *
 * An upload's address may hold what allows to write to it, so its files are readable for their owner only, and it never
 * appears in a message. How far an upload has come is not written down: the registry is asked, for it alone knows what it
 * has. A file is written whole and renamed into place. What cannot be kept is not kept: the upload goes on without.
 */
export class UploadJournal {
  readonly #directory: string;
  #ready: Promise<void> | undefined;

  /** Keeps its files in `<workDirectory>/uploads`. */
  constructor(workDirectory: string) {
    this.#directory = join(workDirectory, 'uploads');
  }

  /** Returns the address of an upload that was begun, undefined when there is none. */
  async find(key: UploadKey): Promise<string | undefined> {
    try {
      const entry: unknown = JSON.parse(await readFile(this.#path(key), 'utf8'));
      if (!isRecord(entry) || entry['repository'] !== key.repository || entry['digest'] !== key.digest)
        return undefined;
      return typeof entry['location'] === 'string' ? entry['location'] : undefined;
    } catch {
      return undefined;
    }
  }

  /** Notes the address at which an upload goes on. */
  async note(key: UploadKey, location: string): Promise<void> {
    try {
      this.#ready ??= this.#prepare();
      await this.#ready;
      const partial = partialPath(this.#path(key));
      await writeFile(partial, JSON.stringify({ ...key, location }), { mode: 0o600, flag: 'wx' });
      await rename(partial, this.#path(key));
    } catch {
      // The disk is full or read-only: only a killed run loses by it.
    }
  }

  /** Forgets an upload that has ended, one way or the other. */
  async forget(key: UploadKey): Promise<void> {
    await rm(this.#path(key), { force: true }).catch(() => undefined);
  }

  async #prepare(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await sweepPartials(this.#directory);
  }

  #path({ repository, digest }: UploadKey): string {
    const name = createHash('sha256').update(`${repository}@${digest}`).digest('hex');
    return join(this.#directory, `${name}.json`);
  }
}
