import { closeSync, fchmodSync, linkSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type ReadEntry, untar } from '../archive/untar.ts';
import { ActionError, systemCodeOf } from '../errors.ts';
import type { Descriptor } from '../image/manifest.ts';
import type { Content } from '../util/content.ts';
import { mapPooled, Pool } from '../util/pool.ts';
import { readLayer } from './layer-reader.ts';
import { type MemoryDirectory, makeMemoryDirectory } from './memory-directory.ts';
import { removeTemporaryDirectory } from './temporary-directory.ts';

/** A layer that holds packages of a distribution and nothing else. */
export interface PackedPackages {
  readonly distribution: string;
  readonly descriptor: Descriptor;
  readonly content: Content;
}

/** Inflating one layer goes on while the files of another are written. */
const LAYERS_AT_ONCE = 2;

/** Text inflates to three to five times its size, and small files and directories take a page each. */
const INFLATION = 6;

/**
 * The files of packages, for programs that look at them: in memory where they fit, or else below a directory.
 *
 * Layers can be added while others are still being made. `unpack` throws an ActionError for one that holds something else:
 * whoever can push an image can write its labels, and only directories, files and hard links below the distribution's own
 * path are ever made here.
 */
export class UnpackedPackages {
  readonly #disk: string;
  readonly #openMemory: typeof makeMemoryDirectory;
  readonly #pool = new Pool(LAYERS_AT_ONCE);
  readonly #layers = new Map<string, PackedPackages>();
  readonly #work: Promise<void>[] = [];
  #memory: Promise<MemoryDirectory | undefined> | undefined;
  /** Bytes that the layers so far are taken to need. */
  #claimed = 0;
  #isFull = false;
  #removal: Promise<void> | undefined;

  /**
   * @param disk where the files are when they do not fit into memory
   * @param openMemory makes the directory in memory
   */
  constructor(disk: string, openMemory: typeof makeMemoryDirectory = makeMemoryDirectory) {
    this.#disk = disk;
    this.#openMemory = openMemory;
  }

  /** Begins to unpack a layer, unless that has begun. */
  add(layer: PackedPackages): void {
    const key = `${layer.distribution} ${layer.descriptor.digest}`;
    if (this.#layers.has(key)) return;
    this.#layers.set(key, layer);
    this.#memory ??= this.#openMemory('packages');
    const work = this.#pool.run(() => this.#unpack(layer));
    // Whoever asks for the files is told.
    work.catch(() => undefined);
    this.#work.push(work);
  }

  /**
   * Waits until all layers are unpacked; returns what a container would find at `/packages/<distribution>`, owners apart,
   * by distribution.
   */
  async unpack(): Promise<ReadonlyMap<string, string>> {
    // Nothing goes on working when the first failure is thrown.
    await Promise.allSettled(this.#work);
    await Promise.all(this.#work);
    const memory = await this.#memory;
    const layers = [...this.#layers.values()];
    if (this.#isFull && memory !== undefined) {
      await removeTemporaryDirectory(memory.path);
      this.#memory = Promise.resolve(undefined);
      await mapPooled(layers, LAYERS_AT_ONCE, (layer) => unpackLayer(layer, this.#disk));
    }
    const directory = (await this.#memory)?.path ?? this.#disk;
    return new Map(layers.map(({ distribution }) => [distribution, join(directory, distribution)]));
  }

  /** Takes the files away, once however often it is called; what is still being unpacked is waited for. */
  remove(): Promise<void> {
    this.#removal ??= this.#remove();
    return this.#removal;
  }

  async #remove(): Promise<void> {
    await Promise.allSettled(this.#work);
    const memory = await this.#memory;
    if (memory !== undefined) await removeTemporaryDirectory(memory.path);
    await removeTemporaryDirectory(this.#disk);
  }

  async #unpack(layer: PackedPackages): Promise<void> {
    const memory = await this.#memory;
    if (memory === undefined) return unpackLayer(layer, this.#disk);
    this.#claimed += layer.descriptor.size * INFLATION;
    if (this.#claimed > memory.limit) this.#isFull = true;
    if (this.#isFull) return;
    try {
      await unpackLayer(layer, memory.path);
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOSPC') throw error;
      this.#isFull = true;
    }
  }
}

async function unpackLayer(layer: PackedPackages, directory: string): Promise<void> {
  const own = join(directory, layer.distribution);
  mkdirSync(own, { recursive: true, mode: 0o755 });
  const unpacking = new Unpacking(layer, own);
  const tar = readLayer({ blob: () => layer.content }, layer.descriptor);
  for await (const entry of untar(tar, layer.descriptor.digest)) await unpacking.make(entry);
}

/** One layer on its way to files. */
class Unpacking {
  readonly #layer: PackedPackages;
  readonly #directory: string;
  readonly #prefix: string;

  constructor(layer: PackedPackages, directory: string) {
    this.#layer = layer;
    this.#directory = directory;
    this.#prefix = `packages/${layer.distribution}/`;
  }

  /** Calls to the file system are synchronous: a hundred thousand small files take a fifth of the time. */
  async make(entry: ReadEntry): Promise<void> {
    const { kind, path, mode } = entry;
    if (kind === 'directory' && this.#prefix.startsWith(`${path}/`)) return;
    const target = this.#locate(path);
    try {
      if (kind === 'directory') makeDirectory(target, mode);
      else if (kind === 'hardlink') linkSync(this.#locate(entry.linkTo), target);
      else if (kind === 'file') await writeFile(target, entry);
      else throw this.#refuse(`a ${kind}, ${path}`);
    } catch (error) {
      if (systemCodeOf(error) === 'EEXIST') throw this.#refuse(`${path}, which another layer holds too`, error);
      throw error;
    }
  }

  #locate(path: string): string {
    if (!path.startsWith(this.#prefix) || path.split('/').includes('..')) throw this.#refuse(path);
    return join(this.#directory, path.slice(this.#prefix.length));
  }

  #refuse(what: string, cause?: unknown): ActionError {
    const { distribution, descriptor } = this.#layer;
    return new ActionError(
      'invalid-image',
      `The layer ${descriptor.digest} is said to hold packages of '${distribution}' only, and holds ${what}. ` +
        "Build the image again with the input plan: 'fresh', which takes no layer of an earlier image.",
      { cause },
    );
  }
}

/** Layers share directories. */
function makeDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode: mode & 0o7777 });
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw error;
  }
}

async function writeFile(path: string, { mode, content }: ReadEntry): Promise<void> {
  const file = openSync(path, 'wx', mode & 0o7777);
  try {
    for await (const chunk of content) writeSync(file, chunk);
    // What the process masks is in the image all the same.
    fchmodSync(file, mode & 0o7777);
  } finally {
    closeSync(file);
  }
}
