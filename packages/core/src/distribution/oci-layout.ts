import { join } from 'node:path';
import { writeContent } from '../archive/write-file.ts';
import { type Digest, digestOf, splitDigest } from '../image/digest.ts';
import type { Descriptor, RawManifest } from '../image/manifest.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../image/media-type.ts';
import { type Content, contentOf } from '../util/content.ts';

/** An image to write, as engines on this machine read it. */
export interface LayoutImage {
  /** The name it answers to inside the layout. */
  readonly name: string;
  readonly config: Buffer;
  readonly layers: readonly LayoutLayer[];
}

/** A layer and its bytes, compressed as the descriptor says. */
export interface LayoutLayer {
  readonly descriptor: Descriptor;
  readonly content: Content;
}

/**
 * Writes images to a directory as an OCI layout; layers that several of them share are written once.
 *
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
 */
export async function writeOciLayout(directory: string, images: readonly LayoutImage[]): Promise<void> {
  const written = new Set<Digest>();
  const writeBlob = async (digest: Digest, content: Content): Promise<void> => {
    if (written.has(digest)) return;
    written.add(digest);
    const { algorithm, hex } = splitDigest(digest);
    await writeContent(join(directory, 'blobs', algorithm, hex), content);
  };
  const manifests: object[] = [];
  for (const { name, config, layers } of images) {
    for (const { descriptor, content } of layers) await writeBlob(descriptor.digest, content);
    await writeBlob(digestOf(config), contentOf(config));
    const descriptors = layers.map(({ descriptor }) => descriptor);
    const manifest = encodeManifest(config, descriptors);
    await writeBlob(manifest.digest, contentOf(manifest.bytes));
    manifests.push({
      mediaType: manifest.mediaType,
      digest: manifest.digest,
      size: manifest.bytes.length,
      annotations: { 'org.opencontainers.image.ref.name': name },
    });
  }
  const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
  await writeContent(join(directory, 'index.json'), contentOf(index));
  await writeContent(join(directory, 'oci-layout'), contentOf(JSON.stringify({ imageLayoutVersion: '1.0.0' })));
}

function encodeManifest(config: Buffer, layers: readonly Descriptor[]): RawManifest {
  const descriptor = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: digestOf(config),
    size: config.length,
  };
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: descriptor,
      layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    }),
  );
  return { mediaType: OCI_MANIFEST, digest: digestOf(bytes), bytes };
}
