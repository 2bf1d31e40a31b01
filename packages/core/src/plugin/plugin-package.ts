import { archiveImage } from '../archive/image-archive.ts';
import { imageArchiveName, packageName } from '../archive/names.ts';
import { assemblePackage, type PackageContent } from '../archive/package.ts';
import { ConfigurationError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import type { Platform } from '../image/platform.ts';
import { parseReference, type Reference } from '../image/reference.ts';
import type { Registries } from '../registry/registries.ts';
import type { Spool } from '../registry/spool.ts';
import type { Log } from '../util/log.ts';
import { mapPooled } from '../util/pool.ts';
import type { Plugin } from './plugin.ts';

/** An image that goes into a package, and where it is read. */
export interface PackedImage {
  readonly image: Image;
  readonly reference: Reference & { readonly tag: string };
}

export interface PackageOptions {
  readonly prefix: string;
  /** The plugin's YAML; see `readPluginYaml`. */
  readonly yaml: Buffer;
  readonly images: readonly PackedImage[];
  readonly registries: Registries;
  /** Where blobs are looked for before the registry is asked. */
  readonly spool: Spool | undefined;
  /** Only these; empty for all. */
  readonly platforms: readonly Platform[];
  /** The platform that docker's form of an archive shows; see `archiveImage`. */
  readonly dockerPlatform: Platform | undefined;
  readonly log: Log;
}

/** A package that could be made, with its size. */
export interface PluginPackage {
  /** `<prefix><plugin>-<version>.tar.gz`. */
  readonly name: string;
  /** Read from the registries while it is read. */
  readonly content: PackageContent;
  readonly archives: readonly { readonly name: string; readonly size: number; readonly digest: string }[];
  /** What is inside, by the digests and platforms that are. */
  readonly images: readonly Image[];
}

/** Returns where the images of a package are; throws a ConfigurationError for one that cannot be packed. */
export function locateImages(images: readonly Image[]): PackedImage[] {
  return images.map((image) => {
    const { target, result } = image;
    if (result === 'failed') {
      throw new ConfigurationError(
        'image-failed',
        `${target} could not be synced, so it cannot be packed. Sync it first.`,
      );
    }
    const reference = parseReference(target);
    if (reference.tag !== undefined) return { image, reference: { ...reference, tag: reference.tag } };
    throw new ConfigurationError(
      'invalid-images',
      `The image ${target} has no tag; the loaded image would have no name.`,
    );
  });
}

/**
 * Returns the package of a plugin: its images, by their manifests, and its YAML. No layer is read before the content is.
 */
export async function planPackage(plugin: Plugin, options: PackageOptions): Promise<PluginPackage> {
  const { prefix, yaml, images } = options;
  const archives = await mapPooled(images, 4, (entry) => planArchive(entry, options));
  return {
    name: packageName(prefix, plugin),
    content: assemblePackage({ prefix, ...plugin, yaml, archives }),
    archives: archives.map(({ name, content, image }) => ({
      name: imageArchiveName(prefix, plugin, name),
      size: content.size,
      digest: image.digest,
    })),
    images: archives.map(({ image }) => image),
  };
}

async function planArchive({ image, reference }: PackedImage, options: PackageOptions) {
  const { registries, spool, platforms, dockerPlatform, log } = options;
  const repository = registries.repository(reference);
  const digest = image.digest ?? (await repository.head(reference.tag))?.digest;
  if (digest === undefined) {
    throw new ConfigurationError('image-missing', `${image.target} does not exist. Sync it first, then run again.`);
  }
  const archive = await archiveImage({ repository, digest, reference, platforms, dockerPlatform, spool });
  const { source, target, name } = image;
  if (archive.zstdLayers.length > 0) {
    log.warning(
      `${target}: compressed with zstd are the layers ${archive.zstdLayers.join(', ')}. Docker loads them from version 23 on, ` +
        'podman and containerd do. For older ones build the image with gzip (buildx: compression=gzip,force-compression=true).',
    );
  }
  return {
    name,
    content: archive.content,
    composition: archive.composition,
    image: { source, target, name, digest: archive.digest, platforms: archive.platforms },
  };
}
