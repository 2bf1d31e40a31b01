import { stat, unlink } from 'node:fs/promises';
import { type Digest, digestOf, readDigest } from './digest.ts';
import { type Disk, ifPresent, listNames } from './disk.ts';

/**
 * Content by digest, once for the whole registry, and links that say which repository may see it.
 *
 * Real registries keep the two apart as well: a blob that was pushed to one repository is unknown to another until it is
 * pushed or mounted there.
 */
export class BlobStore {
  readonly #disk: Disk;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Tells where a blob's bytes are, or would be. */
  path(digest: Digest): string {
    return this.#disk.path('blobs', digest.algorithm, digest.hex.slice(0, 2), digest.hex);
  }

  /** Returns the size in bytes of content, whichever repository it belongs to. */
  async size(digest: Digest): Promise<number | undefined> {
    return (await ifPresent(stat(this.path(digest))))?.size;
  }

  /** Returns the size in bytes of a blob that this repository may see. */
  async sizeIn(repository: string, digest: Digest): Promise<number | undefined> {
    const linked = await ifPresent(stat(this.#link(repository, digest)));
    return linked === undefined ? undefined : this.size(digest);
  }

  /** Takes over a finished file whose digest has been verified. */
  async adopt(file: string, digest: Digest): Promise<void> {
    await this.#disk.move(file, this.path(digest));
  }

  /** Keeps small content, such as a manifest, and returns its digest. */
  async keep(content: Buffer, digest: Digest = digestOf(content)): Promise<Digest> {
    await this.#disk.write(this.path(digest), content);
    return digest;
  }

  async link(repository: string, digest: Digest): Promise<void> {
    await this.#disk.write(this.#link(repository, digest), '');
  }

  /** Takes a blob away from a repository; false when it had none. The bytes stay: others may link them. */
  async unlink(repository: string, digest: Digest): Promise<boolean> {
    return (await ifPresent(unlink(this.#link(repository, digest)).then(() => true))) ?? false;
  }

  /** Lists the digests of the blobs that this repository may see. */
  async list(repository: string): Promise<string[]> {
    const folder = this.#disk.path('repositories', repository, '_blobs');
    const algorithms = await listNames(folder);
    const names = await Promise.all(
      algorithms.map(async (algorithm) =>
        (await listNames(`${folder}/${algorithm}`)).map((hex) => `${algorithm}:${hex}`),
      ),
    );
    return names.flat().filter((name) => readDigest(name) !== undefined);
  }

  #link(repository: string, digest: Digest): string {
    return this.#disk.path('repositories', repository, '_blobs', digest.algorithm, digest.hex);
  }
}
