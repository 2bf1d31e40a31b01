import { ActionError } from '../errors.ts';
import { type Digest, digestOf, isDigest } from './digest.ts';
import { isIndexType, isManifestType, OCI_MANIFEST } from './media-type.ts';
import { formatPlatform, matchesPlatform, type Platform } from './platform.ts';

/** https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Where the content can be fetched instead; registries need not have it then. */
  readonly urls?: readonly string[];
}

/** A manifest or an index exactly as a registry serves it: the digest is over these bytes, so they are never rewritten. */
export interface RawManifest {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly bytes: Buffer;
}

/** One image: its configuration and its layers, the lowest first. */
export interface ImageManifest {
  readonly kind: 'image';
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** Several images under one name, one for each platform, and what was attested about them. */
export interface ImageIndex {
  readonly kind: 'index';
  readonly manifests: readonly Descriptor[];
}

/**
 * Returns what a manifest's bytes say; throws an ActionError that names `where` for anything that is no image, and for
 * schema 1, which docker itself gave up.
 */
export function parseManifest(manifest: RawManifest, where: string): ImageManifest | ImageIndex {
  const content = parseJson(manifest.bytes, where);
  const mediaType = typeof content['mediaType'] === 'string' ? content['mediaType'] : manifest.mediaType;
  if (isIndexType(mediaType)) {
    return { kind: 'index', manifests: parseDescriptors(content['manifests'], where) };
  }
  if (isManifestType(mediaType)) {
    return {
      kind: 'image',
      config: parseDescriptor(content['config'], where),
      layers: parseDescriptors(content['layers'], where),
    };
  }
  throw new ActionError(
    'unsupported-manifest',
    `${where}: a manifest of the type '${mediaType}' is no image we can copy. ` +
      `Push the image again with a current docker or buildx; ${OCI_MANIFEST} and docker's version 2 are understood.`,
  );
}

function parseJson(bytes: Buffer, where: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    throw new ActionError('invalid-manifest', `${where}: the manifest is no JSON. Push the image again.`, {
      cause: error,
    });
  }
  throw new ActionError('invalid-manifest', `${where}: the manifest is no JSON object. Push the image again.`);
}

/** Artifacts without layers often have `null` here: an empty list, as Go writes it. */
function parseDescriptors(value: unknown, where: string): Descriptor[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw new ActionError('invalid-manifest', `${where}: the manifest's list is missing.`);
  return value.map((item: unknown) => parseDescriptor(item, where));
}

function parseDescriptor(value: unknown, where: string): Descriptor {
  const { mediaType, digest, size, platform, annotations, urls } = (value ?? {}) as Partial<Descriptor>;
  const valid = typeof digest === 'string' && isDigest(digest) && Number.isSafeInteger(size) && (size ?? -1) >= 0;
  if (!valid || typeof mediaType !== 'string') {
    throw new ActionError(
      'invalid-manifest',
      `${where}: the manifest has an invalid descriptor. Push the image again.`,
    );
  }
  return {
    mediaType,
    digest,
    size: size as number,
    ...(isPlatform(platform) && { platform }),
    ...(typeof annotations === 'object' && annotations !== null && { annotations }),
    ...(Array.isArray(urls) && urls.length > 0 && { urls }),
  };
}

function isPlatform(value: unknown): value is Platform {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Platform).os === 'string' &&
    typeof (value as Platform).architecture === 'string'
  );
}

/** Says whether a descriptor of an index is an attestation: it describes an image and is none. */
export function isAttestation({ platform, annotations }: Descriptor): boolean {
  return (
    annotations?.['vnd.docker.reference.type'] === 'attestation-manifest' ||
    (platform?.os === 'unknown' && platform.architecture === 'unknown')
  );
}

/** Says whether a manifest is a container image's; registries hold other artifacts in the same form (SBOMs, charts). */
export function isContainerImage({ config }: ImageManifest): boolean {
  return IMAGE_CONFIGS.has(config.mediaType);
}

const IMAGE_CONFIGS = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
]);

/** Returns the platforms that an index states, in its order. */
export function platformsOf(index: ImageIndex): string[] {
  return index.manifests.flatMap((child) =>
    child.platform === undefined || isAttestation(child) ? [] : [formatPlatform(child.platform)],
  );
}

/**
 * Returns an index that holds only the images of the wanted platforms; undefined when it would hold them all.
 *
 * Attestations are kept only beside the image they describe. The result is a new index with a digest of its own, made
 * from the old one's fields. Throws an ActionError when a wanted platform is not there, or stands in an index within.
 */
export function filterIndex(
  manifest: RawManifest,
  parsed: ImageIndex,
  wanted: readonly Platform[],
  label: string,
): RawManifest | undefined {
  const nested = parsed.manifests.find(({ mediaType }) => isIndexType(mediaType));
  if (nested !== undefined) {
    throw new ActionError(
      'nested-index',
      `${label} holds another index, ${nested.digest}; single platforms cannot be taken out of it. ` +
        'Take all, or push the image with one index.',
    );
  }
  const kept = new Set<Digest>();
  for (const platform of wanted) {
    const found = parsed.manifests.filter((child) => child.platform && matchesPlatform(platform, child.platform));
    for (const { digest } of found) kept.add(digest);
    if (found.length === 0) {
      const there = platformsOf(parsed).join(', ') || 'no platform at all';
      throw new ActionError('platform-missing', `${label} has no ${formatPlatform(platform)}; it has ${there}.`);
    }
  }
  const stays = (child: Descriptor): boolean =>
    kept.has(isAttestation(child) ? (child.annotations?.['vnd.docker.reference.digest'] ?? '') : child.digest);
  if (parsed.manifests.every(stays)) return undefined;
  const content = parseJson(manifest.bytes, label);
  const manifests = (content['manifests'] as unknown[]).filter((_, index) => {
    const child = parsed.manifests[index];
    return child !== undefined && stays(child);
  });
  const bytes = Buffer.from(JSON.stringify({ ...content, manifests }));
  return { mediaType: manifest.mediaType, digest: digestOf(bytes), bytes };
}
