import { randomUUID } from 'node:crypto';
import { type FileHandle, link, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Content } from './content.ts';

/**
 * Keeps contents by id: a file of bytes under a fresh name, and a small JSON record that names it.
 *
 * The record alone makes content exist. It appears by one rename (or link), so a reader, or a server started after a
 * kill, sees the old content or the new one and never a mixture; bytes that no record names are swept on opening.
 */
export class ContentDirectory<T extends Content> {
  readonly #path: string;
  readonly #isRecord: (value: unknown) => value is T;

  constructor(path: string, isRecord: (value: unknown) => value is T) {
    this.#path = path;
    this.#isRecord = isRecord;
  }

  async open(): Promise<void> {
    await mkdir(this.#path, { recursive: true });
    const bodies = new Set((await this.all()).map(({ body }) => basename(body)));
    for (const name of await readdir(this.#path)) {
      if (!name.endsWith('.json') && !bodies.has(name)) await rm(join(this.#path, name), { force: true });
    }
  }

  /** A path for bytes that `commit` may make visible. */
  newBody(): string {
    return join(this.#path, `${randomUUID()}.body`);
  }

  async read(id: string): Promise<T | undefined> {
    const text = await readOrNothing(join(this.#path, `${id}.json`));
    if (text === undefined) return undefined;
    const record: unknown = JSON.parse(text);
    if (!this.#isRecord(record)) throw new Error(`not a content record: ${join(this.#path, `${id}.json`)}`);
    return { ...record, body: join(this.#path, basename(record.body)) };
  }

  async all(): Promise<T[]> {
    const names = (await readdir(this.#path)).filter((name) => name.endsWith('.json'));
    const records = await Promise.all(names.map((name) => this.read(basename(name, '.json'))));
    return records.filter((record) => record !== undefined);
  }

  /** Opens the bytes together with their record, also while they are being replaced. */
  async openBody(id: string): Promise<{ record: T; file: FileHandle } | undefined> {
    for (;;) {
      const record = await this.read(id);
      if (record === undefined) return undefined;
      try {
        return { record, file: await open(record.body) };
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
  }

  /** Makes the record visible. With `exclusive` and an id that exists it changes nothing and answers false. */
  async commit(id: string, record: T, exclusive: boolean): Promise<boolean> {
    const path = join(this.#path, `${id}.json`);
    const temporary = join(this.#path, `${randomUUID()}.new`);
    await writeFile(temporary, JSON.stringify({ ...record, body: basename(record.body) }));
    if (exclusive) return this.#linkNew(temporary, path, record.body);
    const replaced = await this.read(id);
    await rename(temporary, path);
    if (replaced !== undefined) await rm(replaced.body, { force: true });
    return true;
  }

  /** Linking fails when the name is taken: of several writers exactly one wins. */
  async #linkNew(temporary: string, path: string, body: string): Promise<boolean> {
    try {
      await link(temporary, path);
      return true;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
      await rm(body, { force: true });
      return false;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async remove(id: string): Promise<void> {
    const record = await this.read(id);
    await rm(join(this.#path, `${id}.json`), { force: true });
    if (record !== undefined) await rm(record.body, { force: true });
  }
}

async function readOrNothing(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Tells whether a file system error says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT');
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
