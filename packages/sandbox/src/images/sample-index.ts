import {
  describe,
  jsonBlob,
  MEDIA_TYPES,
  manifestBlob,
  type SampleImage,
  type SampleManifest,
} from './sample-image.ts';

export interface IndexOptions {
  /** True adds, for each image, a manifest with a statement about it, as BuildKit does by default. */
  readonly attestations?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface SampleIndex {
  readonly kind: 'index';
  readonly manifest: SampleManifest;
  /** The images, then their attestations. */
  readonly children: readonly SampleImage[];
}

/** Makes one name for images of several platforms: docker's list when all images are docker's, an OCI index otherwise. */
export function makeIndex(images: readonly SampleImage[], options: IndexOptions = {}): SampleIndex {
  const attestations = options.attestations === true ? images.map(makeAttestation) : [];
  const entries = [
    ...images.map(({ manifest, platform }) => ({ ...describe(manifest, manifest.mediaType), platform })),
    ...attestations.map(({ manifest, platform }, index) => ({
      ...describe(manifest, manifest.mediaType),
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': images[index]?.manifest.digest,
      },
      platform,
    })),
  ];
  const children = [...images, ...attestations];
  const plain = options.annotations === undefined && children.every(({ mediaTypes }) => mediaTypes === 'docker');
  const manifest = manifestBlob(MEDIA_TYPES[plain ? 'docker' : 'oci'].index, {
    manifests: entries,
    ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
  });
  return { kind: 'index', manifest, children };
}

/**
 * Makes a manifest whose only layer is an in-toto statement about an image; its platform is `unknown/unknown`.
 *
 * @see https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md
 */
function makeAttestation(image: SampleImage): SampleImage {
  const [, hex] = image.manifest.digest.split(':');
  const predicateType = 'https://slsa.dev/provenance/v0.2';
  const statement = jsonBlob({
    _type: 'https://in-toto.io/Statement/v0.1',
    predicateType,
    subject: [{ name: 'sample', digest: { sha256: hex } }],
    predicate: { buildType: 'sample' },
  });
  const platform = { architecture: 'unknown', os: 'unknown' };
  const config = jsonBlob({
    ...platform,
    config: {},
    rootfs: { type: 'layers', diff_ids: [statement.digest] },
  });
  const layer = describe(statement, 'application/vnd.in-toto+json');
  const manifest = manifestBlob(MEDIA_TYPES.oci.manifest, {
    config: describe(config, MEDIA_TYPES.oci.config),
    layers: [{ ...layer, annotations: { 'in-toto.io/predicate-type': predicateType } }],
  });
  return { kind: 'image', manifest, mediaTypes: 'oci', platform, blobs: [config, statement] };
}
