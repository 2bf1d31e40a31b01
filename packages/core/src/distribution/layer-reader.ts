import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { Descriptor } from '../image/manifest.ts';
import type { Repository } from '../registry/repository.ts';

/**
 * Reads the tar of an image's layer, inflated as its media type says. Throws when the layer's bytes are not those of its
 * digest, at the latest where the tar would end.
 */
export async function* readLayer(
  repository: Pick<Repository, 'blob'>,
  layer: Descriptor,
): AsyncGenerator<Buffer, void> {
  const blob = repository.blob(layer);
  if (/[.+]gzip$/.test(layer.mediaType)) yield* pipe(blob.open(), createGunzip({ chunkSize: 256 * 1024 }));
  else if (layer.mediaType.endsWith('+zstd')) yield* pipe(blob.open(), createZstdDecompress());
  else yield* blob.open();
}

async function* pipe(
  source: AsyncIterable<Buffer>,
  inflate: NodeJS.ReadWriteStream & { destroy(error?: Error): unknown },
): AsyncGenerator<Buffer, void> {
  const readable = Readable.from(source, { objectMode: false });
  readable.on('error', (error) => inflate.destroy(error));
  // After its end nobody listens to it any more, and the error is met below.
  inflate.on('error', () => undefined);
  try {
    yield* readable.pipe(inflate) as unknown as AsyncIterable<Buffer>;
    // What stands behind the compressed stream is not taken by who inflates it, and counts for the digest all the same.
    readable.unpipe(inflate);
    for await (const _ of readable) {
      // Only its end matters.
    }
  } finally {
    readable.destroy();
  }
}
