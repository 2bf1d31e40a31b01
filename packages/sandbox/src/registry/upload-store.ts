import { createHash, type Hash, randomUUID } from 'node:crypto';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore } from './blob-store.ts';
import { type Digest, digestOfFile } from './digest.ts';
import { type Disk, ifPresent, listNames, readIfPresent } from './disk.ts';

/** An upload that is not finished: it lives on disk, so that it outlives the connection and the server. */
export interface Upload {
  readonly id: string;
  readonly repository: string;
  /** Bytes received so far. */
  readonly size: number;
}

/** What becomes of the bytes of a request that broke off: some registries have them, to others the chunk never came. */
export type BrokenChunks = 'keep' | 'drop';

/** Keeps unfinished uploads, one folder each, and turns finished ones into blobs. */
export class UploadStore {
  readonly #disk: Disk;
  readonly #blobs: BlobStore;
  readonly #brokenChunks: BrokenChunks;
  /** Digests so far: only a shortcut, which a restart loses; the file is then read once more. */
  readonly #hashes = new Map<string, { readonly hash: Hash; readonly size: number }>();

  constructor(disk: Disk, blobs: BlobStore, brokenChunks: BrokenChunks = 'keep') {
    this.#disk = disk;
    this.#blobs = blobs;
    this.#brokenChunks = brokenChunks;
  }

  async create(repository: string): Promise<Upload> {
    const id = randomUUID();
    const folder = this.#folder(id);
    await mkdir(folder, { recursive: true });
    await this.#disk.write(join(folder, 'data'), '');
    await this.#disk.write(join(folder, 'repository'), repository);
    return { id, repository, size: 0 };
  }

  /** Finds an upload of this repository; another repository's id is as unknown as an invented one. */
  async find(repository: string, id: string): Promise<Upload | undefined> {
    const upload = /^[-0-9a-f]{36}$/.test(id) ? await this.#read(id) : undefined;
    return upload?.repository === repository ? upload : undefined;
  }

  /**
   * Adds bytes to the end as they arrive. When the connection breaks, this fails, and what had arrived is kept or not:
   * the client asks for the offset and goes on from there.
   */
  async append(upload: Upload, body: AsyncIterable<Buffer>): Promise<Upload> {
    const known = this.#hashes.get(upload.id);
    const hash = upload.size === 0 ? createHash('sha256') : known?.size === upload.size ? known.hash : undefined;
    this.#hashes.delete(upload.id);
    const file = await open(this.#data(upload.id), 'a');
    let size = upload.size;
    try {
      for await (const chunk of body) {
        await file.appendFile(chunk);
        hash?.update(chunk);
        size += chunk.length;
      }
    } catch (error) {
      if (this.#brokenChunks === 'drop') {
        await file.truncate(upload.size);
        size = -1;
      }
      throw error;
    } finally {
      if (hash !== undefined) this.#hashes.set(upload.id, { hash, size });
      await file.close();
    }
    return { ...upload, size };
  }

  /** Makes the upload a blob of its repository when its bytes have this digest; false, and nothing is kept, otherwise. */
  async commit(upload: Upload, digest: Digest): Promise<boolean> {
    const valid = (await this.#digest(upload, digest)) === digest.text;
    if (valid) {
      await this.#blobs.adopt(this.#data(upload.id), digest);
      await this.#blobs.link(upload.repository, digest);
    }
    await this.cancel(upload);
    return valid;
  }

  async cancel(upload: Upload): Promise<void> {
    this.#hashes.delete(upload.id);
    await rm(this.#folder(upload.id), { recursive: true, force: true });
  }

  /** Lists the unfinished uploads of all repositories. */
  async list(): Promise<Upload[]> {
    const ids = await listNames(this.#disk.path('uploads'));
    const found = await Promise.all(ids.map((id) => this.#read(id)));
    return found.filter((upload) => upload !== undefined);
  }

  async #read(id: string): Promise<Upload | undefined> {
    const repository = (await readIfPresent(join(this.#folder(id), 'repository')))?.toString();
    const data = await ifPresent(stat(this.#data(id)));
    return data === undefined || repository === undefined ? undefined : { id, repository, size: data.size };
  }

  async #digest(upload: Upload, expected: Digest): Promise<string> {
    const known = this.#hashes.get(upload.id);
    if (expected.algorithm === 'sha256' && known?.size === upload.size) return `sha256:${known.hash.digest('hex')}`;
    return digestOfFile(this.#data(upload.id), expected.algorithm);
  }

  #folder(id: string): string {
    return this.#disk.path('uploads', id);
  }

  #data(id: string): string {
    return join(this.#folder(id), 'data');
  }
}
