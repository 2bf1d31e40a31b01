import { ConfigurationError } from '../errors.ts';
import { type Digest, digestOf } from '../image/digest.ts';
import type { Descriptor, RawManifest } from '../image/manifest.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../image/media-type.ts';
import { REVISION } from '../storage/published-image.ts';
import type { ContainerSettings } from './container-settings.ts';
import {
  BASE_DIGEST,
  BASE_NAME,
  type DistributionLabels,
  formatLabels,
  formatLayerLabel,
  LAYER,
  type LayerLabel,
} from './labels.ts';
import { type Layer, OCI_LAYER } from './layer-blob.ts';
import type { PlatformImage, PublishedDistribution } from './published-distribution.ts';

/** A layer that stands above those of the base image. */
export interface AddedLayer extends Layer {
  readonly label: Exclude<LayerLabel, 'base'>;
  /** What the image's history says of it. */
  readonly createdBy: string;
}

/** What makes an image of a distribution, whatever the platform. */
export interface Assembly {
  readonly base: PublishedDistribution;
  /** The lowest first. */
  readonly layers: readonly AddedLayer[];
  /** What a container starts with on each of the base's platforms. */
  readonly settings: (platform: PlatformImage) => ContainerSettings;
  readonly labels: Omit<DistributionLabels, 'layers'>;
  /** Seconds since 1970, of the commit: an image must not tell when it was made. */
  readonly time: number;
}

/** An image as bytes: what is pushed besides the layers. */
export interface AssembledImage {
  /** An index where the base image is one. */
  readonly top: RawManifest;
  readonly images: readonly PlatformManifest[];
}

export interface PlatformManifest {
  readonly manifest: RawManifest;
  readonly config: { readonly descriptor: Descriptor; readonly bytes: Buffer };
  readonly layers: readonly Descriptor[];
}

export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';

/** OCI's names for docker's layers. */
const LAYER_TYPES: Readonly<Record<string, string>> = {
  'application/vnd.docker.image.rootfs.diff.tar.gzip': OCI_LAYER,
  'application/vnd.docker.image.rootfs.diff.tar': 'application/vnd.oci.image.layer.v1.tar',
};

/**
 * Puts an image together without a daemon: the base image's layers by their digests, ours above them, one manifest for
 * each platform of the base. The packages are the same on all of them. Equal parts give equal bytes.
 */
export function assembleImage(assembly: Assembly): AssembledImage {
  const images = assembly.base.platforms.map((platform) => assemblePlatform(assembly, platform));
  const [first] = images;
  if (!assembly.base.isIndex && first !== undefined) return { top: first.manifest, images };
  const manifests = images.map(({ manifest }, index) => ({
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    size: manifest.bytes.length,
    platform: assembly.base.platforms[index]?.config.platform,
  }));
  return { top: encodeManifest(OCI_INDEX, { manifests, annotations: annotate(assembly) }), images };
}

function assemblePlatform(assembly: Assembly, platform: PlatformImage): PlatformManifest {
  const { base, layers, labels, settings, time } = assembly;
  const created = new Date(time * 1000).toISOString().replace('.000Z', 'Z');
  const { config: baseConfig, manifest: baseManifest } = platform;
  const own = settings(platform);
  const layerLabels: LayerLabel[] = [
    ...baseManifest.layers.map(() => 'base' as const),
    ...layers.map(({ label }) => label),
  ];
  const ofBase = baseManifest.layers.map(() => undefined);
  const about = {
    layers: layerLabels,
    plain: [...ofBase, ...layers.map((layer) => layer.plain)],
    compressors: [...ofBase, ...layers.map((layer) => layer.compressor)],
  };
  const bytes = Buffer.from(
    JSON.stringify({
      ...baseConfig.rest,
      created,
      ...baseConfig.platform,
      config: { ...own, Labels: { ...labelsIn(own), ...formatLabels({ ...labels, ...about }) } },
      rootfs: { type: 'layers', diff_ids: [...baseConfig.diffIds, ...layers.map(({ diffId }) => diffId)] },
      history: [
        ...historyOf(platform, created),
        ...layers.map(({ createdBy }) => ({ created, created_by: createdBy })),
      ],
    }),
  );
  const config = { mediaType: OCI_CONFIG, digest: digestOf(bytes), size: bytes.length };
  const descriptors = [
    ...baseManifest.layers.map((layer) => asOciLayer(layer, base)),
    ...layers.map(({ descriptor: { mediaType, digest, size }, label }) => ({
      // An engine that pushed it may have given it docker's name.
      mediaType: LAYER_TYPES[mediaType] ?? mediaType,
      digest,
      size,
      annotations: { [LAYER]: formatLayerLabel(label) },
    })),
  ];
  const manifest = encodeManifest(OCI_MANIFEST, { config, layers: descriptors, annotations: annotate(assembly) });
  return { manifest, config: { descriptor: config, bytes }, layers: descriptors };
}

/** Engines count layers by the entries of the history that are not empty; some base images have no history. */
function historyOf({ config, manifest }: PlatformImage, created: string): readonly Readonly<Record<string, unknown>>[] {
  const layers = config.history.filter((entry) => entry['empty_layer'] !== true).length;
  if (layers === manifest.layers.length) return config.history;
  return manifest.layers.map(() => ({ created, created_by: 'base image' }));
}

/** Returns the labels among what a container starts with. */
export function labelsIn(settings: ContainerSettings): Readonly<Record<string, unknown>> {
  const labels = settings['Labels'];
  return typeof labels === 'object' && labels !== null ? { ...labels } : {};
}

/** Returns a layer of the base image under the name that OCI has for its kind; throws a ConfigurationError for others. */
export function asOciLayer({ mediaType, digest, size }: Descriptor, base: PublishedDistribution): Descriptor {
  const type = LAYER_TYPES[mediaType] ?? mediaType;
  if (type.startsWith('application/vnd.oci.image.layer.v1.tar')) return { mediaType: type, digest, size };
  throw new ConfigurationError(
    'unsupported-layer',
    `The base image ${base.repository}@${base.digest} has a layer of the type '${mediaType}'. Name one with ordinary layers.`,
  );
}

function annotate({ labels }: Assembly): Record<string, string> {
  return { [REVISION]: labels.revision, [BASE_NAME]: labels.base.name, [BASE_DIGEST]: labels.base.digest };
}

/** Returns a manifest as bytes. */
export function encodeManifest(mediaType: string, fields: object): RawManifest {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...fields }));
  return { mediaType, digest: digestOf(bytes), bytes };
}

/** Returns the digests of all layers of an image, each once. */
export function layersOf({ images }: AssembledImage): Map<Digest, Descriptor> {
  return new Map(images.flatMap(({ layers }) => layers.map((layer) => [layer.digest, layer] as const)));
}
