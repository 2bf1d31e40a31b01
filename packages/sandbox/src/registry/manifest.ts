import { type Digest, readDigest } from './digest.ts';
import { isObject, type JsonObject, parseJson } from './json.ts';
import { RegistryError } from './registry-error.ts';

const IMAGES = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json'];
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const INDEXES = [OCI_INDEX, 'application/vnd.docker.distribution.manifest.list.v2+json'];

/** What a manifest says about other content. */
export interface Descriptor {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** What the registry must know of a manifest; its bytes are kept as they came. */
export interface Manifest {
  readonly mediaType: string;
  /** Config and layers that must be in the repository. */
  readonly blobs: readonly Descriptor[];
  /** Manifests of an index, which must be in the repository. */
  readonly manifests: readonly Descriptor[];
  /** The manifest that this one is about; it may come later, or never. */
  readonly subject: Digest | undefined;
  readonly artifactType: string | undefined;
  readonly annotations: JsonObject | undefined;
}

/**
 * Reads a manifest of one of the four known media types; anything else is refused with MANIFEST_INVALID.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md
 * @see https://distribution.github.io/distribution/spec/manifest-v2-2/
 */
export function parseManifest(content: Buffer, contentType: string | undefined): Manifest {
  const json = parseJson(content.toString('utf8'));
  if (!isObject(json) || json['schemaVersion'] !== 2) throw invalid('manifest is not JSON with schemaVersion 2');
  const declared = json['mediaType'];
  const mediaType = contentType ?? declared;
  if (typeof mediaType !== 'string') throw invalid('manifest has no media type');
  if (declared !== undefined && declared !== mediaType) {
    throw invalid(`Content-Type is ${mediaType}, but mediaType is ${String(declared)}`);
  }
  const image = IMAGES.includes(mediaType);
  if (!image && !INDEXES.includes(mediaType)) throw invalid(`unsupported media type ${mediaType}`);
  const config = json['config'];
  return {
    mediaType,
    blobs: image ? [descriptor(config), ...descriptors(json['layers'])] : [],
    manifests: image ? [] : descriptors(json['manifests']),
    subject: json['subject'] === undefined ? undefined : descriptor(json['subject']).digest,
    artifactType: text(json['artifactType']) ?? (image && isObject(config) ? text(config['mediaType']) : undefined),
    annotations: isObject(json['annotations']) ? json['annotations'] : undefined,
  };
}

function descriptors(list: unknown): Descriptor[] {
  if (!Array.isArray(list)) throw invalid('manifest has no list of layers or manifests');
  return list.filter((entry) => !isElsewhere(entry)).map(descriptor);
}

/** Layers with `urls` are fetched from there and are not in the registry. */
function isElsewhere(entry: unknown): boolean {
  return isObject(entry) && Array.isArray(entry['urls']) && entry['urls'].length > 0;
}

function descriptor(value: unknown): Descriptor {
  const digest = isObject(value) ? readDigest(text(value['digest']) ?? '') : undefined;
  const size = isObject(value) ? value['size'] : undefined;
  if (digest === undefined || typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw invalid('manifest has a descriptor without digest or size');
  }
  return { digest, size };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function invalid(message: string): RegistryError {
  return new RegistryError(400, 'MANIFEST_INVALID', message);
}
