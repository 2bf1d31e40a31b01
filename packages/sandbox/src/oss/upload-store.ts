import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Content } from './content.ts';
import { ContentDirectory, isMissing } from './content-directory.ts';
import { compareKeys } from './listing.ts';
import type { ObjectHeaders } from './object-store.ts';
import { isContent, isFields, isTextMap, isTexts } from './record-shape.ts';

export interface StoredUpload extends ObjectHeaders {
  readonly uploadId: string;
  readonly key: string;
  /** ISO 8601. */
  readonly initiated: string;
}

export interface StoredPart extends Content {
  readonly number: number;
  /** ISO 8601. */
  readonly lastModified: string;
}

/** The multipart uploads of one bucket that are neither completed nor aborted. */
export class UploadStore {
  readonly #path: string;
  readonly #running = new Map<string, Promise<unknown>>();

  constructor(bucketDirectory: string) {
    this.#path = join(bucketDirectory, 'uploads');
  }

  async open(): Promise<void> {
    await mkdir(this.#path, { recursive: true });
    for (const { uploadId } of await this.list()) await this.#parts(uploadId).open();
  }

  async initiate(upload: Omit<StoredUpload, 'uploadId'>): Promise<StoredUpload> {
    const created = { ...upload, uploadId: randomUUID().replaceAll('-', '').toUpperCase() };
    const directory = join(this.#path, created.uploadId);
    await this.#parts(created.uploadId).open();
    await writeFile(join(directory, 'upload.new'), JSON.stringify(created));
    await rename(join(directory, 'upload.new'), join(directory, 'upload.json'));
    return created;
  }

  async read(uploadId: string): Promise<StoredUpload | undefined> {
    if (!/^[0-9A-F]{32}$/.test(uploadId)) return undefined;
    const path = join(this.#path, uploadId, 'upload.json');
    try {
      const upload: unknown = JSON.parse(await readFile(path, 'utf8'));
      if (!isStoredUpload(upload)) throw new Error(`not an upload record: ${path}`);
      return upload;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** All uploads by key, then by upload id. */
  async list(): Promise<StoredUpload[]> {
    const uploads = await Promise.all((await readdir(this.#path)).map((uploadId) => this.read(uploadId)));
    return uploads
      .filter((upload) => upload !== undefined)
      .sort((a, b) => compareKeys(a.key, b.key) || compareKeys(a.uploadId, b.uploadId));
  }

  newBody(uploadId: string): string {
    return this.#parts(uploadId).newBody();
  }

  async commitPart(uploadId: string, part: StoredPart): Promise<void> {
    await this.#parts(uploadId).commit(String(part.number), part, false);
  }

  /** The parts so far, by number. */
  async parts(uploadId: string): Promise<StoredPart[]> {
    return (await this.#parts(uploadId).all()).sort((a, b) => a.number - b.number);
  }

  async remove(uploadId: string): Promise<void> {
    await rm(join(this.#path, uploadId), { recursive: true, force: true });
  }

  /** Lets only one request at a time complete or abort an upload. */
  async alone<R>(uploadId: string, work: () => Promise<R>): Promise<R> {
    const before = this.#running.get(uploadId) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#running.set(uploadId, mine);
    try {
      return await mine;
    } finally {
      if (this.#running.get(uploadId) === mine) this.#running.delete(uploadId);
    }
  }

  #parts(uploadId: string): ContentDirectory<StoredPart> {
    return new ContentDirectory(join(this.#path, uploadId, 'parts'), isStoredPart);
  }
}

function isStoredUpload(value: unknown): value is StoredUpload {
  return (
    isFields(value) &&
    isTexts(value, 'uploadId', 'key', 'initiated') &&
    isTextMap(value['headers']) &&
    isTextMap(value['meta'])
  );
}

function isStoredPart(value: unknown): value is StoredPart {
  return isContent(value) && typeof value['number'] === 'number' && isTexts(value, 'lastModified');
}
