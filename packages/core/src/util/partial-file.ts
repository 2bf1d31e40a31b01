import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../errors.ts';

/**
 * Milliseconds after which a partial file that nobody writes to is nobody's, even if a process has its number: the
 * number may have been given again, or be of another container that shares the directory.
 */
const ABANDONED = 24 * 60 * 60_000;

/**
 * Returns a name beside `path` for what is not complete yet. It is this process's own, so that two runs cannot mix their
 * bytes, and tells whose it is, so that a later run can remove what a killed one left.
 */
export function partialPath(path: string): string {
  return `${path}.${process.pid}.${randomBytes(4).toString('hex')}.partial`;
}

/** Bytes that are gathered before they are written: small writes make the same file five times slower. */
const BATCH = 1024 * 1024;

/**
 * A file on its way: it has a name of its own beside the one it will have (`partialPath`), and gets that when it is
 * complete.
 *
 * The bytes are copied out of the chunks, for whoever made those may use their memory
 * again; the disk works on one batch while the next one is gathered. Nothing waits for the disk to have it for good: after
 * a power cut a file may be damaged under its name, and whoever takes one compares its digest.
 */
export class PartialFile {
  readonly #path: string;
  readonly #partial: string;
  readonly #file: FileHandle;
  #batch: Buffer = Buffer.allocUnsafeSlow(BATCH);
  #spare: Buffer | undefined;
  #gathered = 0;
  #added = 0;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, partial: string, file: FileHandle) {
    this.#path = path;
    this.#partial = partial;
    this.#file = file;
  }

  /** Begins the file that will be `path`; `mode` is what it is allowed, less what the process's mask forbids. */
  static async begin(path: string, mode = 0o666): Promise<PartialFile> {
    const partial = partialPath(path);
    return new PartialFile(path, partial, await open(partial, 'wx', mode));
  }

  /** Bytes that were added. */
  get size(): number {
    return this.#added;
  }

  /** Adds bytes; throws what writing earlier ones has thrown. */
  async add(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      const copied = chunk.copy(this.#batch, this.#gathered, at);
      at += copied;
      this.#gathered += copied;
      this.#added += copied;
      if (this.#gathered === BATCH) await this.#write();
    }
  }

  /** Writes the rest and gives the file its name; after a failure it has to be discarded. */
  async commit(): Promise<void> {
    await this.#write();
    await this.#writing;
    await this.#file.close();
    await rename(this.#partial, this.#path);
  }

  /** Removes what there is; never fails, so that it hides no failure. */
  async discard(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#file.close().catch(() => undefined);
    await rm(this.#partial, { force: true }).catch(() => undefined);
  }

  /** Begins to write the batch, once the one before is written. */
  async #write(): Promise<void> {
    await this.#writing;
    this.#writing = this.#writeAll(this.#batch.subarray(0, this.#gathered));
    // Whoever adds the next batch, or commits, is told.
    this.#writing.catch(() => undefined);
    [this.#batch, this.#spare] = [this.#spare ?? Buffer.allocUnsafeSlow(BATCH), this.#batch];
    this.#gathered = 0;
  }

  async #writeAll(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) at += (await this.#file.write(bytes, at)).bytesWritten;
  }
}

/** Tells whether a name is that of a partial file of this process. */
export function isOwnPartial(name: string): boolean {
  return pidOf(name) === process.pid;
}

/** Removes the partial files in `directory`, of names that begin with `prefix`, whose process is gone. */
export async function sweepPartials(directory: string, prefix = ''): Promise<void> {
  for (const name of await readdir(directory)) {
    const pid = name.startsWith(prefix) ? pidOf(name) : undefined;
    if (pid === undefined) continue;
    const path = join(directory, name);
    if (!isRunning(pid) || (await isAbandoned(path))) await rm(path, { force: true });
  }
}

function pidOf(name: string): number | undefined {
  const pid = /\.(\d+)\.[0-9a-f]{8}\.partial$/.exec(name)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCodeOf(error) === 'EPERM';
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats !== undefined && Date.now() - stats.mtimeMs > ABANDONED;
}
