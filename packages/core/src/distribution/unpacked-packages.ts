import { chmodSync, closeSync, fchmodSync, linkSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ReadEntry, untar } from '../archive/untar.ts';
import { ActionError, systemCodeOf } from '../errors.ts';
import type { Descriptor } from '../image/manifest.ts';
import { hasWhiteout } from '../storage/whiteout.ts';
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

/**
 * The files of packages, for programs that look at them: in memory where they fit, or else on the disk.
 *
 * Layers can be added while others are still being made. `unpack` throws an ActionError for one that holds something else:
 * whoever can push an image can write its labels, and only directories, files and hard links below the distribution's own
 * path are ever made here, with the modes that we give them.
 */
export class UnpackedPackages {
  readonly #directory: string;
  readonly #openMemory: typeof makeMemoryDirectory;
  readonly #pool = new Pool(LAYERS_AT_ONCE);
  readonly #layers = new Map<string, PackedPackages>();
  readonly #work: Promise<void>[] = [];
  #memory: Promise<{ readonly directory: MemoryDirectory; readonly room: Room } | undefined> | undefined;
  #isFull = false;
  #removal: Promise<void> | undefined;

  /**
   * @param directory for what is made; it must not exist
   * @param openMemory makes the directory in memory
   */
  constructor(directory: string, openMemory: typeof makeMemoryDirectory = makeMemoryDirectory) {
    this.#directory = directory;
    this.#openMemory = openMemory;
  }

  /** Begins to unpack a layer, unless that has begun. */
  add(layer: PackedPackages): void {
    const key = `${layer.distribution} ${layer.descriptor.digest}`;
    if (this.#layers.has(key)) return;
    this.#layers.set(key, layer);
    this.#memory ??= this.#open();
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
      await memory.directory.remove();
      this.#memory = Promise.resolve(undefined);
      await mapPooled(layers, LAYERS_AT_ONCE, (layer) => unpackLayer(layer, this.#disk, undefined));
    }
    const place = (await this.#memory)?.directory.path ?? this.#disk;
    return new Map(layers.map(({ distribution }) => [distribution, join(place, distribution)]));
  }

  /** Takes the files away, once however often it is called; what is still being unpacked is waited for. */
  remove(): Promise<void> {
    this.#removal ??= this.#remove();
    return this.#removal;
  }

  async #remove(): Promise<void> {
    await Promise.allSettled(this.#work);
    await (await this.#memory)?.directory.remove();
    await removeTemporaryDirectory(this.#directory);
  }

  get #disk(): string {
    return join(this.#directory, 'disk');
  }

  async #open() {
    const directory = await this.#openMemory(join(this.#directory, 'memory'));
    return directory && { directory, room: new Room(directory.limit) };
  }

  async #unpack(layer: PackedPackages): Promise<void> {
    const memory = await this.#memory;
    if (memory === undefined) return unpackLayer(layer, this.#disk, undefined);
    if (this.#isFull) return;
    try {
      await unpackLayer(layer, memory.directory.path, memory.room);
    } catch (error) {
      if (!(error instanceof NoRoomError) && systemCodeOf(error) !== 'ENOSPC') throw error;
      this.#isFull = true;
    }
  }
}

/** What a file takes at least, its inode and its name with it; bytes. */
const [PAGE, INODE] = [4096, 1024];

class NoRoomError extends Error {}

/** The part of memory that may be filled: where it ends, some systems end processes instead. */
class Room {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  take({ size }: ReadEntry): void {
    this.#left -= Math.ceil(size / PAGE) * PAGE + INODE;
    if (this.#left < 0) throw new NoRoomError('there is no more room in memory');
  }
}

async function unpackLayer(layer: PackedPackages, place: string, room: Room | undefined): Promise<void> {
  const unpacking = new Unpacking(layer, join(place, layer.distribution));
  const tar = readLayer({ blob: () => layer.content }, layer.descriptor);
  for await (const entry of untar(tar, layer.descriptor.digest)) {
    room?.take(entry);
    await unpacking.make(entry);
  }
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
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o755);
  }

  /** Calls to the file system are synchronous: a hundred thousand small files take a fifth of the time. */
  async make(entry: ReadEntry): Promise<void> {
    const { kind, path } = entry;
    if (kind === 'directory' && this.#prefix.startsWith(`${path}/`)) return;
    const target = this.#locate(path);
    try {
      if (kind === 'directory') makeDirectory(target);
      else if (kind === 'hardlink') linkSync(this.#locate(entry.linkTo), target);
      else if (kind === 'file') await writeFile(target, entry);
      else throw this.#refuse(`a ${kind}, ${path}`);
    } catch (error) {
      const code = systemCodeOf(error) ?? '';
      if (code === 'EEXIST') throw this.#refuse(`${path}, which another layer holds too`, error);
      if (['ENOENT', 'ENOTDIR'].includes(code)) throw this.#refuse(`${path} without what it stands in`, error);
      throw error;
    }
  }

  #locate(path: string): string {
    const isOwn = path.startsWith(this.#prefix) && !path.split('/').includes('..');
    if (!isOwn || hasWhiteout(path)) throw this.#refuse(path);
    return join(this.#directory, path.slice(this.#prefix.length));
  }

  #refuse(what: string, cause?: unknown): ActionError {
    const { distribution, descriptor } = this.#layer;
    return new ActionError(
      'invalid-image',
      `The layer ${descriptor.digest} is said to hold packages of '${distribution}' only, and holds ${what}: somebody has ` +
        "pushed an image with labels of ours. Remove that image, and build again with the input plan: 'fresh', which takes no layer of it.",
      { cause },
    );
  }
}

/** Layers share directories. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
    chmodSync(path, 0o755);
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw error;
  }
}

/** Modes are those of git, whatever a layer says and the process masks. */
async function writeFile(path: string, { mode, content }: ReadEntry): Promise<void> {
  const file = openSync(path, 'wx', 0o600);
  try {
    for await (const chunk of content) writeFileSync(file, chunk);
    fchmodSync(file, (mode & 0o111) === 0 ? 0o644 : 0o755);
  } finally {
    closeSync(file);
  }
}
