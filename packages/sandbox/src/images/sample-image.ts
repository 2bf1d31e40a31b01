import { memoryBlob, type SampleBlob } from './sample-blob.ts';
import { type LayerOptions, makeLayer, type SampleLayer } from './sample-layer.ts';

export type MediaTypes = 'oci' | 'docker';

export const MEDIA_TYPES = {
  oci: {
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    index: 'application/vnd.oci.image.index.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  },
  docker: {
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  },
} as const;

export interface ImageOptions {
  /** Equal options with an equal seed give equal digests. */
  readonly seed: string;
  readonly layers: readonly LayerOptions[];
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  /** What a container starts with: `Cmd`, `Env`, `Labels` and so on. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly mediaTypes: MediaTypes;
  /** Annotations of the manifest; docker's manifests have none. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Where large layers are written; without it everything is in memory. */
  readonly directory?: string;
}

export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
}

/** The manifest of an image or index, as bytes. */
export interface SampleManifest extends SampleBlob {
  readonly content: Buffer;
  readonly mediaType: string;
}

export interface SampleImage {
  readonly kind: 'image';
  readonly manifest: SampleManifest;
  readonly mediaTypes: MediaTypes;
  readonly platform: Platform;
  /** Config first, then the layers from the lowest up. */
  readonly blobs: readonly SampleBlob[];
}

/**
 * Makes an image that engines load: real layers, and a config whose diff ids are theirs.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md
 */
export async function makeImage(options: ImageOptions): Promise<SampleImage> {
  const layers: SampleLayer[] = [];
  for (const [index, layer] of options.layers.entries()) {
    layers.push(await makeLayer(layer.seed ?? `${options.seed}/${index}`, layer, options.directory));
  }
  return composeImage(layers, options);
}

/** Puts an image together from layers that exist. */
export function composeImage(
  layers: readonly SampleLayer[],
  options: Omit<ImageOptions, 'seed' | 'layers' | 'directory'>,
): SampleImage {
  if (options.mediaTypes === 'docker' && options.annotations !== undefined) {
    throw new Error("docker's manifests have no annotations");
  }
  const types = MEDIA_TYPES[options.mediaTypes];
  const platform: Platform = {
    architecture: options.architecture,
    os: options.os,
    ...(options.variant === undefined ? {} : { variant: options.variant }),
  };
  const config = jsonBlob({
    created: '1970-01-01T00:00:00Z',
    ...platform,
    config: options.config ?? {},
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ diffId }) => ({ created: '1970-01-01T00:00:00Z', created_by: `sample ${diffId}` })),
  });
  const manifest = manifestBlob(types.manifest, {
    config: describe(config, types.config),
    layers: layers.map(({ blob }) => describe(blob, types.layer)),
    ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
  });
  const blobs = [config, ...layers.map(({ blob }) => blob)];
  return { kind: 'image', manifest, mediaTypes: options.mediaTypes, platform, blobs };
}

/** Names content in a manifest. */
export function describe(blob: SampleBlob, mediaType: string): { mediaType: string; digest: string; size: number } {
  return { mediaType, digest: blob.digest, size: blob.size };
}

export function jsonBlob(value: unknown): SampleBlob {
  return memoryBlob(Buffer.from(JSON.stringify(value)));
}

export function manifestBlob(mediaType: string, fields: object): SampleManifest {
  const content = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...fields }));
  return { ...memoryBlob(content), content, mediaType };
}
