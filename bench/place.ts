import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { type DockerRegistry, startDockerRegistry } from '../test/interop/docker-registry.ts';
import { makeImageSet, type NamedImage, type SetName, uniqueBytes } from './images.ts';
import { makePieces, type Piece } from './layers.ts';

/** Images in the source registry, `<source>/team/<name>:v1.0.0` each. */
export interface ImageSet {
  readonly images: readonly NamedImage[];
  /** Of all their content, each blob once. */
  readonly bytes: number;
}

export const TAG = 'v1.0.0';
export const SOURCE_PATH = 'team';

/** A directory for everything that is measured, and the registry that images come from; made once for a run. */
export class Place {
  readonly directory: string;
  /** The release tree whose bundles are measured. */
  readonly tree: string;
  readonly source: DockerRegistry;
  readonly #scale: number;
  readonly #sets = new Map<SetName, ImageSet>();
  readonly #registries: DockerRegistry[];
  #pieces: readonly Piece[] | undefined;
  #count = 0;

  private constructor(directory: string, tree: string, source: DockerRegistry, scale: number) {
    this.directory = directory;
    this.tree = tree;
    this.source = source;
    this.#registries = [source];
    this.#scale = scale;
  }

  /**
   * @param tree the release tree; default a path where none is yet
   * @param scale multiplies the size of every layer
   */
  static async open(tree: string | undefined, scale: number): Promise<Place> {
    const directory = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
    return new Place(
      directory,
      tree ?? join(directory, 'tree'),
      await startDockerRegistry(join(directory, 'source')),
      scale,
    );
  }

  /** Returns a path in the directory that nothing has used yet. */
  fresh(name: string): string {
    this.#count += 1;
    return join(this.directory, `${name}-${this.#count}`);
  }

  /** Makes the images of a set and pushes them to the source, unless that was done. */
  async images(name: SetName): Promise<ImageSet> {
    const standing = this.#sets.get(name);
    if (standing !== undefined) return standing;
    const started = performance.now();
    const directory = this.fresh('layers');
    this.#pieces ??= makePieces();
    const images = await makeImageSet(name, this.#pieces, { directory, scale: this.#scale });
    for (const { name: repository, image } of images) {
      await pushImage(`http://${this.source.name}`, `${SOURCE_PATH}/${repository}`, TAG, image);
    }
    await rm(directory, { recursive: true });
    const set = { images, bytes: uniqueBytes(images) };
    this.#sets.set(name, set);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.error(
      `${name}: ${images.length} images, ${Math.round(set.bytes / 1e6)} MB, made and pushed in ${seconds} s`,
    );
    return set;
  }

  /** Gives `work` a registry of its own with nothing in it, which goes with all it has got. */
  async withTarget<T>(work: (target: DockerRegistry) => Promise<T>): Promise<T> {
    const directory = this.fresh('target');
    const target = await startDockerRegistry(directory);
    this.#registries.push(target);
    try {
      return await work(target);
    } finally {
      this.#registries.splice(this.#registries.indexOf(target), 1);
      await target.stop();
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Starts a registry with nothing in it that stays until the end. */
  async openTarget(): Promise<DockerRegistry> {
    const target = await startDockerRegistry(this.fresh('target'));
    this.#registries.push(target);
    return target;
  }

  /** Ends the registries that still run, and removes the directory. */
  async close(): Promise<void> {
    await Promise.all(this.#registries.map((registry) => registry.stop()));
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Counts the requests in what a registry has logged from `start` on. */
export function countRequests(registry: DockerRegistry, start: number): number {
  return (
    registry
      .log()
      .slice(start)
      .match(/^\S+ - \S* \[[^\]]+\] "[A-Z]+ \/v2\//gm)?.length ?? 0
  );
}
