import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore } from './blob-store.ts';
import { type Digest, readDigest } from './digest.ts';
import { type Disk, ifPresent, listNames, readIfPresent } from './disk.ts';
import { type Manifest, parseManifest } from './manifest.ts';

export interface StoredManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly content: Buffer;
}

/** A manifest's entry in the answer of the referrers endpoint. */
export interface Referrer {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: object;
}

/** Keeps manifests, tags and the list of what refers to what, per repository. */
export class ManifestStore {
  readonly #disk: Disk;
  readonly #blobs: BlobStore;

  constructor(disk: Disk, blobs: BlobStore) {
    this.#disk = disk;
    this.#blobs = blobs;
  }

  /** Keeps a manifest; the tag moves last, so that it never names what is not there. */
  async put(repository: string, digest: Digest, content: Buffer, manifest: Manifest, tag?: string): Promise<void> {
    await this.#blobs.keep(content, digest);
    await this.#disk.write(this.#link(repository, digest), manifest.mediaType);
    if (manifest.subject !== undefined) {
      await this.#disk.write(this.#referrer(repository, manifest.subject, digest), '');
    }
    if (tag !== undefined) await this.#disk.write(this.#tag(repository, tag), digest.text);
  }

  /** Finds a manifest by tag or digest. */
  async find(repository: string, reference: string): Promise<StoredManifest | undefined> {
    const digest = readDigest(reference) ?? (await this.#tagged(repository, reference));
    if (digest === undefined) return undefined;
    const mediaType = await readIfPresent(this.#link(repository, digest));
    if (mediaType === undefined) return undefined;
    return { digest, mediaType: mediaType.toString(), content: await readFile(this.#blobs.path(digest)) };
  }

  /** Removes a tag; the manifest stays. False when there was none. */
  async removeTag(repository: string, tag: string): Promise<boolean> {
    return remove(this.#tag(repository, tag));
  }

  /** Removes a manifest and the tags that name it. False when there was none. */
  async remove(repository: string, digest: Digest): Promise<boolean> {
    const stored = await this.find(repository, digest.text);
    if (stored === undefined) return false;
    for (const tag of await this.tags(repository)) {
      if ((await this.#tagged(repository, tag))?.text === digest.text) await this.removeTag(repository, tag);
    }
    const { subject } = parseManifest(stored.content, stored.mediaType);
    if (subject !== undefined) await remove(this.#referrer(repository, subject, digest));
    return remove(this.#link(repository, digest));
  }

  /** Lists tags in byte order. */
  tags(repository: string): Promise<string[]> {
    return listNames(this.#folder(repository, '_tags'));
  }

  /** Tells whether anything was ever pushed here. */
  async exists(repository: string): Promise<boolean> {
    return (await listNames(this.#folder(repository, '_manifests'))).length > 0;
  }

  /** Lists the manifests whose `subject` is this digest. */
  async referrers(repository: string, subject: Digest): Promise<Referrer[]> {
    const folder = this.#folder(repository, '_referrers', subject.algorithm, subject.hex);
    const found = await Promise.all((await listNames(folder)).map((digest) => this.find(repository, digest)));
    return found.flatMap((stored) => (stored === undefined ? [] : [describe(stored)]));
  }

  /** Lists the repositories that hold manifests, in byte order. */
  async repositories(parent = ''): Promise<string[]> {
    const names = (await listNames(this.#folder(parent))).filter((name) => !name.startsWith('_'));
    const found = await Promise.all(
      names.map(async (name) => {
        const repository = parent === '' ? name : `${parent}/${name}`;
        const below = await this.repositories(repository);
        return (await this.exists(repository)) ? [repository, ...below] : below;
      }),
    );
    return found.flat().sort();
  }

  async #tagged(repository: string, tag: string): Promise<Digest | undefined> {
    if (!isTag(tag)) return undefined;
    const text = await readIfPresent(this.#tag(repository, tag));
    return text === undefined ? undefined : readDigest(text.toString());
  }

  #folder(...parts: string[]): string {
    return this.#disk.path('repositories', ...parts);
  }

  #link(repository: string, digest: Digest): string {
    return join(this.#folder(repository, '_manifests', digest.algorithm), digest.hex);
  }

  #tag(repository: string, tag: string): string {
    return join(this.#folder(repository, '_tags'), tag);
  }

  #referrer(repository: string, subject: Digest, digest: Digest): string {
    return join(this.#folder(repository, '_referrers', subject.algorithm, subject.hex), digest.text);
  }
}

export function isTag(text: string): boolean {
  return /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(text);
}

async function remove(path: string): Promise<boolean> {
  return (await ifPresent(unlink(path).then(() => true))) ?? false;
}

function describe(stored: StoredManifest): Referrer {
  const { artifactType, annotations } = parseManifest(stored.content, stored.mediaType);
  return {
    mediaType: stored.mediaType,
    digest: stored.digest.text,
    size: stored.content.length,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}
