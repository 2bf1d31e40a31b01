import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * The registry's directory: files appear whole or not at all, so that a reader never meets half of one.
 *
 * Temporary files have a folder of their own: beside a tag they could be taken for a tag.
 */
export class Disk {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  path(...parts: string[]): string {
    return join(this.#root, ...parts);
  }

  /** Writes a file by way of a temporary one. */
  async write(path: string, content: string | Buffer): Promise<void> {
    const temporary = this.path('temporary', randomUUID());
    await mkdir(dirname(temporary), { recursive: true });
    await writeFile(temporary, content);
    await this.move(temporary, path);
  }

  /** Puts a finished file at its place. */
  async move(from: string, to: string): Promise<void> {
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to);
  }

  /** Throws away what a stopped server left half written. */
  async clean(): Promise<void> {
    await rm(this.path('temporary'), { recursive: true, force: true });
  }
}

/** Turns "no such file" into undefined; every other failure stays one. */
export async function ifPresent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return undefined;
    }
    throw error;
  }
}

export function readIfPresent(path: string): Promise<Buffer | undefined> {
  return ifPresent(readFile(path));
}

/** Lists names in byte order; a missing folder is an empty one. */
export async function listNames(path: string): Promise<string[]> {
  return ((await ifPresent(readdir(path))) ?? []).sort();
}
