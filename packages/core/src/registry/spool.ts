import { constants } from 'node:fs';
import { chmod, type FileHandle, lstat, mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ActionError, messageOf, systemCodeOf } from '../errors.ts';
import { type Digest, digestOf, splitDigest, verifyStream } from '../image/digest.ts';
import type { Descriptor } from '../image/manifest.ts';
import { type Content, readAll } from '../util/content.ts';
import type { Log } from '../util/log.ts';
import { isOwnPartial, PartialFile, sweepPartials } from '../util/partial-file.ts';
import { formatBytes } from '../util/units.ts';

const MEBIBYTE = 1024 * 1024;

/** The most a spool takes when nobody says otherwise, bytes; and never more than a quarter of what is free. */
const MOST = 10 * 1024 * MEBIBYTE;

/** With less room than this, bytes, a spool is not worth its trouble. */
const LEAST = 64 * MEBIBYTE;

/** A blob up to this size, bytes, is checked before its first byte is given out, so that a damaged one is not noticed. */
const CHECKED_FIRST = 4 * MEBIBYTE;

type Blob = Pick<Descriptor, 'digest' | 'size'>;

export interface SpoolOptions {
  readonly log: Log;
  /** The most bytes it holds; default 10 GiB, or a quarter of what is free when that is less. */
  readonly limit?: number;
}

/** What the input `spool` says: `auto` keeps blobs when there is room for them. */
export type SpoolMode = 'auto' | 'off';

/**
 * Opens the spool below `workDirectory` as the input says; undefined when it is off, or when there is no room for one.
 */
export async function openSpool(mode: SpoolMode, workDirectory: string, log: Log): Promise<Spool | undefined> {
  if (mode === 'off') return undefined;
  try {
    const spool = await Spool.open(workDirectory, { log });
    if (spool.limit >= LEAST) return spool;
    log.info(`keeps no blobs in ${workDirectory}: too little space is left there`);
  } catch (error) {
    log.warning(`Blobs are not kept in ${workDirectory}: ${messageOf(error)}`);
  }
  return undefined;
}

/**
 * Blobs that were moved, kept in a runner's work directory for whoever needs them next: `blobs/sha256/<hex>`, each the
 * blob's bytes and nothing else.
 *
 * It is a help and never a condition. What cannot be kept is not kept; what is not there, or is damaged, comes from the
 * registry. Several processes may use one directory at once: files appear by a rename, whole, and are removed while
 * others read them without harm, since those have them open. Readable for its owner only: layers hold what is not public.
 */
export class Spool {
  /** The most bytes it holds. */
  readonly limit: number;
  readonly #directory: string;
  readonly #log: Log;
  /** Blobs that this process has kept or read: they are what the next step wants, and are not removed for others. */
  readonly #wanted = new Set<Digest>();
  /** Blobs that were damaged here once: not looked for again, even where they could not be removed. */
  readonly #distrusted = new Set<Digest>();
  /** The sizes of the copies that are being made. */
  readonly #copies = new Map<Digest, number>();
  /** Bytes in the directory. */
  #used: number;
  #queue: Promise<unknown> = Promise.resolve();
  #keeps = true;

  private constructor(directory: string, limit: number, used: number, log: Log) {
    this.#directory = directory;
    this.limit = limit;
    this.#used = used;
    this.#log = log;
  }

  /** Opens the spool below `workDirectory`; removes what killed runs left, and writes nothing before a blob is kept. */
  static async open(workDirectory: string, { log, limit }: SpoolOptions): Promise<Spool> {
    const directory = join(workDirectory, 'blobs', 'sha256');
    await sweepPartials(directory).catch(ignoreAbsence);
    const used = (await listFiles(directory)).reduce((sum, { size }) => sum + size, 0);
    // What the spool holds itself counts as free: else it would shrink with every blob it takes.
    const share = async (): Promise<number> => Math.min(MOST, ((await freeSpace(directory)) + used) / 4);
    return new Spool(directory, limit ?? (await share()), used, log);
  }

  /** Says whether a blob is there; not whether it is whole. */
  async has(digest: Digest): Promise<boolean> {
    const path = this.#path(digest);
    return path !== undefined && ((await stat(path).catch(() => undefined))?.isFile() ?? false);
  }

  /** Returns a blob that is there, checked while it is read; undefined when it is not. See `prefer` for its failures. */
  async content(blob: Blob): Promise<Content | undefined> {
    const file = await this.#open(blob);
    await file?.close();
    const missing: Content = {
      size: blob.size,
      open: () => {
        throw damaged(this.#directory, blob, new Error('it was removed meanwhile'));
      },
    };
    return file === undefined ? undefined : this.prefer(blob, missing);
  }

  /**
   * Returns a blob from here, and from `content` when it is not here.
   *
   * A damaged one is removed, so that the next `open` takes `content`. When its first bytes have been given out by then,
   * reading fails with an ActionError `spool-damaged`: whoever reads begins again; see `isSpoolDamage`.
   */
  prefer(blob: Blob, content: Content): Content {
    const take = (): Promise<AsyncIterable<Buffer> | undefined> => this.#take(blob);
    return {
      size: content.size,
      async *open() {
        yield* (await take()) ?? content.open();
      },
    };
  }

  /**
   * Returns `content`, of which a copy is kept while it is read. `content` has to check its digest itself before its last
   * chunk is given out, as `Repository.blob` does. When the copy fails, the transfer goes on without it.
   */
  tee(blob: Blob, content: Content): Content {
    const copy = (source: AsyncIterable<Buffer>): AsyncIterable<Buffer> => this.#copy(blob, source);
    return { size: content.size, open: () => copy(content.open()) };
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await this.#queue;
  }

  async #take(blob: Blob): Promise<AsyncIterable<Buffer> | undefined> {
    const file = await this.#open(blob);
    if (file === undefined) return undefined;
    const now = new Date();
    await file.utimes(now, now).catch(() => undefined);
    this.#wanted.add(blob.digest);
    return blob.size > CHECKED_FIRST ? this.#read(blob, file) : this.#readWhole(blob, file);
  }

  /** Opens a blob's file; one of another size was damaged, and is removed. */
  async #open({ digest, size }: Blob): Promise<FileHandle | undefined> {
    const path = this.#path(digest);
    if (path === undefined || this.#distrusted.has(digest)) return undefined;
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(() => undefined);
    const stats = await file?.stat();
    if (stats?.isFile() === true && stats.size === size) return file;
    await file?.close();
    if (file !== undefined) await this.#remove(digest, `it has ${stats?.size} bytes instead of ${size}`);
    return undefined;
  }

  async *#read(blob: Blob, file: FileHandle): AsyncGenerator<Buffer, void> {
    const stream = file.createReadStream({ highWaterMark: MEBIBYTE });
    try {
      yield* verifyStream(stream, blob, this.#directory);
    } catch (error) {
      await this.#remove(blob.digest, 'its bytes are not those of its digest');
      throw damaged(this.#directory, blob, error);
    } finally {
      stream.destroy();
    }
  }

  async #readWhole({ digest, size }: Blob, file: FileHandle): Promise<AsyncIterable<Buffer> | undefined> {
    const bytes = await readAll(file.createReadStream({ highWaterMark: MEBIBYTE }), size).catch(() => undefined);
    if (bytes !== undefined && digestOf(bytes, splitDigest(digest).algorithm) === digest) return once(bytes);
    await this.#remove(digest, 'its bytes are not those of its digest');
    return undefined;
  }

  async #remove(digest: Digest, why: string): Promise<void> {
    this.#distrusted.add(digest);
    this.#log.warning(`The kept copy of ${digest} in ${this.#directory} is damaged, and is removed: ${why}`);
    const path = this.#path(digest);
    if (path !== undefined) await rm(path, { force: true }).catch(() => undefined);
  }

  async *#copy(blob: Blob, source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
    if (!(await this.#claim(blob))) return yield* source;
    let copy = await this.#begin(blob);
    const giveUp = async (error: unknown): Promise<void> => {
      this.#giveUp(error);
      await copy?.discard();
      copy = undefined;
    };
    try {
      for await (const chunk of source) {
        await copy?.add(chunk).catch(giveUp);
        yield chunk;
      }
    } finally {
      if (copy?.size === blob.size) await copy.commit().then(() => this.#count(blob), giveUp);
      else await copy?.discard();
      this.#copies.delete(blob.digest);
    }
  }

  #count({ digest, size }: Blob): void {
    this.#used += size;
    this.#wanted.add(digest);
  }

  /** Makes sure that a blob is worth a copy and has room for it; whoever got `true` takes it out of `#copies` at the end. */
  async #claim({ digest, size }: Blob): Promise<boolean> {
    if (!this.#keeps || size === 0 || this.#path(digest) === undefined || this.#copies.has(digest)) return false;
    this.#copies.set(digest, size);
    const claimed = !(await this.has(digest)) && (await this.#alone(() => this.#makeRoom()).catch(() => false));
    if (!claimed) this.#copies.delete(digest);
    return claimed;
  }

  async #begin({ digest }: Blob): Promise<PartialFile | undefined> {
    try {
      const path = this.#path(digest);
      await this.#makeDirectory();
      return path === undefined ? undefined : await PartialFile.begin(path, 0o600);
    } catch (error) {
      this.#giveUp(error);
      return undefined;
    }
  }

  #giveUp(error: unknown): void {
    if (this.#keeps) this.#log.warning(`Blobs are no longer kept in ${this.#directory}: ${messageOf(error)}`);
    this.#keeps = false;
  }

  /** Runs one after the other what counts the room. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }

  /** Removes the blobs that were longest not used until all that is being copied fits; tells whether it does. */
  async #makeRoom(): Promise<boolean> {
    const promised = [...this.#copies.values()].reduce((sum, size) => sum + size, 0);
    const fits = (): boolean => this.#used + promised <= this.limit;
    if (fits() || promised > this.limit) return fits();
    // Other processes fill the directory and empty it too.
    const files = (await listFiles(this.#directory)).filter(({ name }) => !isOwnPartial(name));
    this.#used = files.reduce((sum, file) => sum + file.size, 0);
    const idle = files.filter(({ name }) => /^[0-9a-f]{64}$/.test(name) && !this.#wanted.has(`sha256:${name}`));
    for (const file of idle.sort((a, b) => a.usedAt - b.usedAt)) {
      if (fits()) break;
      await rm(join(this.#directory, file.name), { force: true });
      this.#used -= file.size;
    }
    return fits();
  }

  async #makeDirectory(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    for (const path of [dirname(this.#directory), this.#directory]) {
      const stats = await lstat(path);
      if (!stats.isDirectory()) throw new Error(`${path} is no directory`);
      // Of somebody else, it may be read by somebody else: chmod tells.
      if ((stats.mode & 0o777) !== 0o700) await chmod(path, 0o700);
    }
  }

  /** Only sha256 is kept; it is all that registries use. */
  #path(digest: Digest): string | undefined {
    const { algorithm, hex } = splitDigest(digest);
    return algorithm === 'sha256' ? join(this.#directory, hex) : undefined;
  }
}

/**
 * Does `work`, which reads blobs, and does it again when it met a damaged copy: each is met once, for it is gone then.
 */
export async function repeatOnDamage<T>(work: () => Promise<T>): Promise<T> {
  while (true) {
    try {
      return await work();
    } catch (error) {
      if (!isSpoolDamage(error)) throw error;
    }
  }
}

/** Tells that a kept blob was damaged while it was read: it is gone now, and reading again takes the registry's. */
export function isSpoolDamage(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ActionError && cause.code === 'spool-damaged') return true;
  }
  return false;
}

function damaged(directory: string, { digest, size }: Blob, cause: unknown): ActionError {
  return new ActionError(
    'spool-damaged',
    `The kept copy of ${digest} (${formatBytes(size)}) in ${directory} is damaged and was removed: run again.`,
    { cause },
  );
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void> {
  if (bytes.length > 0) yield bytes;
}

interface SpoolFile {
  readonly name: string;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly usedAt: number;
}

function ignoreAbsence(error: unknown): void {
  if (systemCodeOf(error) !== 'ENOENT') throw error;
}

/** Returns the files of a directory; none when there is no such directory. */
async function listFiles(directory: string): Promise<SpoolFile[]> {
  const names = await readdir(directory).catch(ignoreAbsence);
  const files = (names ?? []).map(async (name) => {
    const stats = await lstat(join(directory, name)).catch(() => undefined);
    return stats?.isFile() === true ? [{ name, size: stats.size, usedAt: stats.mtimeMs }] : [];
  });
  return (await Promise.all(files)).flat();
}

/** Returns the bytes that are free for us where `path` is, or will be. */
async function freeSpace(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch (error) {
    const parent = dirname(path);
    if (systemCodeOf(error) !== 'ENOENT' || parent === path) throw error;
    return freeSpace(parent);
  }
}
