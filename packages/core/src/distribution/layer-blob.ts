import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { type TarEntry, tar } from '../archive/tar.ts';
import { writeContent } from '../archive/write-file.ts';
import { type Digest, splitDigest } from '../image/digest.ts';
import type { Descriptor } from '../image/manifest.ts';
import type { Content } from '../util/content.ts';

/** A layer as manifest and configuration name it. */
export interface Layer {
  readonly descriptor: Descriptor;
  /** Digest of the tar before compression. */
  readonly diffId: Digest;
}

export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

/** Headers come in pieces of 512 bytes; a stream that passes each on by itself is three times as slow. */
const BATCH = 256 * 1024;

/**
 * Writes a layer, a gzipped tar, to `directory`, named by its digest, and returns what it is.
 *
 * Every time in it is 0 and every owner root; gzip level 6 of node's own zlib gives the same bytes on every machine and
 * however they arrive.
 */
export async function writeLayer(entries: readonly TarEntry[], directory: string): Promise<Layer> {
  await mkdir(directory, { recursive: true });
  const archive = tar(entries, { mtime: 0 });
  const diff = createHash('sha256');
  let size = 0;
  const compressed: Content = {
    // Only said when there is no space left.
    size: archive.size,
    async *open() {
      const gzip = createGzip({ level: 6, chunkSize: BATCH });
      const source = Readable.from(
        inBatches(archive, (batch) => diff.update(batch)),
        { objectMode: false },
      );
      source.on('error', (error) => gzip.destroy(error));
      for await (const chunk of source.pipe(gzip) as AsyncIterable<Buffer>) {
        size += chunk.length;
        yield chunk;
      }
    },
  };
  const temporary = join(directory, `${randomUUID()}.new`);
  try {
    const digest = `sha256:${await writeContent(temporary, compressed)}`;
    await rename(temporary, blobFile(directory, digest));
    return { descriptor: { mediaType: OCI_LAYER, digest, size }, diffId: `sha256:${diff.digest('hex')}` };
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Returns where a blob is, or would be, in a directory of blobs. */
export function blobFile(directory: string, digest: Digest): string {
  const { algorithm, hex } = splitDigest(digest);
  return join(directory, `${algorithm}-${hex}`);
}

async function* inBatches(content: Content, seen: (batch: Buffer) => void): AsyncGenerator<Buffer, void> {
  let batch: Buffer[] = [];
  let size = 0;
  for await (const chunk of content.open()) {
    batch.push(chunk);
    size += chunk.length;
    if (size < BATCH) continue;
    const bytes = Buffer.concat(batch, size);
    seen(bytes);
    yield bytes;
    batch = [];
    size = 0;
  }
  const bytes = Buffer.concat(batch, size);
  seen(bytes);
  yield bytes;
}
