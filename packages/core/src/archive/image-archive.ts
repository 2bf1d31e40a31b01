import { ConfigurationError } from '../errors.ts';
import { type Digest, splitDigest } from '../image/digest.ts';
import {
  type Descriptor,
  type ImageManifest,
  isAttestation,
  isContainerImage,
  parseManifest,
  type RawManifest,
} from '../image/manifest.ts';
import { isForeignLayer } from '../image/media-type.ts';
import { formatPlatform, matchesPlatform, type Platform } from '../image/platform.ts';
import { formatReference, type Reference } from '../image/reference.ts';
import { readPlatform, selectPlatforms } from '../registry/platforms.ts';
import type { Repository } from '../registry/repository.ts';
import type { Spool } from '../registry/spool.ts';
import { type Content, contentOf, sha256 } from '../util/content.ts';
import { storedGzip } from './stored-gzip.ts';
import { type TarEntry, tar } from './tar.ts';

export interface ImageArchiveOptions {
  /** Where the image is read. */
  readonly repository: Repository;
  /** Digest of the manifest or index to put into the archive. */
  readonly digest: Digest;
  /** The name the loaded image answers to, with a tag. */
  readonly reference: Reference & { readonly tag: string };
  /** Only these platforms; empty for all. */
  readonly platforms: readonly Platform[];
  /** The platform that docker's older formats see; linux/amd64, else the only one, when undefined. */
  readonly dockerPlatform: Platform | undefined;
  /** Where blobs are looked for before the registry is asked. */
  readonly spool?: Spool | undefined;
}

export interface ImageArchive {
  /** The archive as a gzip stream, read from the registry while it is read. */
  readonly content: Content;
  /** SHA-256 of what the bytes follow from, the digests of the blobs above all: known before any blob is read. */
  readonly composition: string;
  /** Digest of what is inside: the wanted one, or that of an index with fewer platforms. */
  readonly digest: Digest;
  readonly platforms: readonly string[];
  /** Layers compressed with zstd, which older engines do not load. */
  readonly zstdLayers: readonly Digest[];
}

/**
 * Returns one image as a file that docker and podman load as it is, and containerd gunzipped.
 *
 * A tar of an OCI layout with docker's `manifest.json` beside it, both naming the same blobs, compressed as they came
 * from the registry. `index.json` has exactly one descriptor, for podman and skopeo refuse more.
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md,
 * https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md#combined-image-json--filesystem-changeset-format
 */
export async function archiveImage(options: ImageArchiveOptions): Promise<ImageArchive> {
  const { repository, reference } = options;
  const label = formatReference({ ...reference, digest: options.digest });
  const full = await repository.manifest(options.digest);
  const top = await selectPlatforms(repository, full, options.platforms, label);
  const inventory = await takeInventory(options, top, label);
  const image = chooseDockerImage(inventory, options.dockerPlatform, label);
  const files = [
    { name: 'oci-layout', text: JSON.stringify({ imageLayoutVersion: '1.0.0' }) },
    { name: 'index.json', text: encodeIndex(top, reference) },
    { name: 'manifest.json', text: encodeDockerManifest(image, reference) },
  ];
  const layout = tar([
    ...files.map(({ name, text }): TarEntry => ({ name, content: contentOf(text) })),
    { directory: 'blobs' },
    { directory: 'blobs/sha256' },
    ...inventory.blobs.map(({ digest, content }) => ({ name: blobPath(digest), content })),
  ]);
  const composition = sha256(JSON.stringify([files, inventory.blobs.map(({ digest }) => digest)]));
  const { platforms, zstdLayers } = inventory;
  return { content: storedGzip(layout), composition, digest: top.digest, platforms, zstdLayers };
}

interface Inventory {
  readonly zstdLayers: readonly Digest[];
  readonly images: readonly { readonly platform: Platform; readonly manifest: ImageManifest }[];
  readonly platforms: readonly string[];
  /** Everything the layout holds, manifests too, sorted by digest: an archive's bytes must not depend on an order of arrival. */
  readonly blobs: readonly { readonly digest: Digest; readonly content: Content }[];
}

async function takeInventory(
  { repository, spool }: Pick<ImageArchiveOptions, 'repository' | 'spool'>,
  top: RawManifest,
  label: string,
): Promise<Inventory> {
  const blobs = new Map<Digest, Content>();
  const zstd = new Set<Digest>();
  const images: { platform: Platform; manifest: ImageManifest }[] = [];
  const add = async (raw: RawManifest, descriptor: Descriptor | undefined): Promise<void> => {
    if (blobs.has(raw.digest)) return;
    blobs.set(raw.digest, contentOf(raw.bytes));
    const manifest = parseManifest(raw, label);
    if (manifest.kind === 'index') {
      for (const child of manifest.manifests) await add(await repository.manifest(child.digest), child);
      return;
    }
    for (const blob of [manifest.config, ...manifest.layers]) {
      if (isForeignLayer(blob.mediaType)) throw foreignLayer(label, blob);
      const content = repository.blob(blob);
      if (blob.mediaType.endsWith('zstd')) zstd.add(blob.digest);
      blobs.set(blob.digest, spool?.prefer(blob, content) ?? content);
    }
    const isImage = isContainerImage(manifest) && !(descriptor !== undefined && isAttestation(descriptor));
    if (isImage)
      images.push({ platform: descriptor?.platform ?? (await readPlatform(repository, manifest)), manifest });
  };
  await add(top, undefined);
  return {
    images,
    zstdLayers: [...zstd],
    platforms: images.map(({ platform }) => formatPlatform(platform)),
    blobs: [...blobs].map(([digest, content]) => ({ digest, content })).sort((a, b) => (a.digest < b.digest ? -1 : 1)),
  };
}

function foreignLayer(label: string, { digest }: Descriptor): ConfigurationError {
  return new ConfigurationError(
    'foreign-layer',
    `${label}: the layer ${digest} may not be distributed, so an archive with it cannot be loaded without a network. ` +
      'Build the image on a base without such layers.',
  );
}

/** docker's `manifest.json` shows one image: the wanted platform's, linux/amd64's, or the only one. */
function chooseDockerImage(inventory: Inventory, wanted: Platform | undefined, label: string): ImageManifest {
  const { images } = inventory;
  const only = images.length === 1 && wanted === undefined ? images[0] : undefined;
  const selector = wanted ?? { os: 'linux', architecture: 'amd64' };
  if (images.length === 0) {
    throw new ConfigurationError('invalid-image', `${label} holds no container image. Push one under this name.`);
  }
  const chosen = only ?? images.find(({ platform }) => matchesPlatform(selector, platform));
  if (chosen !== undefined) return chosen.manifest;
  throw new ConfigurationError(
    'docker-platform',
    `${label} has no ${formatPlatform(selector)}, which docker's form of the archive would show. ` +
      `Set \`docker-platform\` to one of ${images.map(({ platform }) => formatPlatform(platform)).join(', ')}.`,
  );
}

function encodeIndex(top: RawManifest, reference: Reference): string {
  const name = formatReference(reference);
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        mediaType: top.mediaType,
        digest: top.digest,
        size: top.bytes.length,
        annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name },
      },
    ],
  });
}

function encodeDockerManifest({ config, layers }: ImageManifest, reference: Reference): string {
  return JSON.stringify([
    {
      Config: blobPath(config.digest),
      RepoTags: [formatReference(reference)],
      Layers: layers.map(({ digest }) => blobPath(digest)),
    },
  ]);
}

function blobPath(digest: Digest): string {
  const { algorithm, hex } = splitDigest(digest);
  return `blobs/${algorithm}/${hex}`;
}
