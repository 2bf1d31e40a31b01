import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import { streamTar, type TarEntry } from '../archive/tar.ts';
import { writeContent } from '../archive/write-file.ts';
import type { Compression } from '../configuration/storage.ts';
import { type Digest, splitDigest } from '../image/digest.ts';
import type { Descriptor } from '../image/manifest.ts';
import type { Content } from '../util/content.ts';

/** A layer as manifest and configuration name it. */
export interface Layer {
  readonly descriptor: Descriptor;
  /** Digest of the tar before compression. */
  readonly diffId: Digest;
  /** Bytes of its files, equal ones counted each time: what a plain COPY would store. Undefined where nobody knows. */
  readonly plain?: number | undefined;
  /** What compressed it, such as `zlib-1.3.1`; undefined where nobody knows. */
  readonly compressor?: string | undefined;
}

export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const OCI_ZSTD_LAYER = 'application/vnd.oci.image.layer.v1.tar+zstd';

/** Says whether a layer that exists is compressed as it would be now: engines of before 2022 take no zstd. */
export function isCompressedBy(compression: Compression, { mediaType }: Descriptor): boolean {
  return mediaType.endsWith('zstd') === (compression === 'zstd');
}

/** Headers come in pieces of 512 bytes; a stream that passes each on by itself is three times as slow. */
const BATCH = 256 * 1024;

/**
 * Writes a layer, a compressed tar, to `directory`, named by its digest, and returns what it is.
 *
 * Every time in it is 0 and every owner root; gzip level 6 of node's own zlib gives the same bytes on every machine and
 * however they arrive. So does zstd of one version, which depends on how they arrive: always {@link BATCH} bytes at once.
 */
export async function writeLayer(
  entries: Iterable<TarEntry> | AsyncIterable<TarEntry>,
  directory: string,
  compression: Compression = 'gzip',
): Promise<Layer> {
  await mkdir(directory, { recursive: true });
  const weight = new Weight();
  const archive = streamTar(weight.watch(entries), { mtime: 0 });
  const diff = createHash('sha256');
  let size = 0;
  const compressed: Content = {
    // Only said when there is no space left: what was written until then.
    get size() {
      return size;
    },
    async *open() {
      const deflate = compression === 'gzip' ? createGzip({ level: 6, chunkSize: BATCH }) : createZstdCompress(ZSTD);
      const source = Readable.from(
        inBatches(archive, (batch) => diff.update(batch)),
        // Each batch arrives as it is.
        { objectMode: true, highWaterMark: 2 },
      );
      source.on('error', (error) => deflate.destroy(error));
      for await (const chunk of source.pipe(deflate) as AsyncIterable<Buffer>) {
        size += chunk.length;
        yield chunk;
      }
    },
  };
  const temporary = join(directory, `${randomUUID()}.new`);
  try {
    const digest = `sha256:${await writeContent(temporary, compressed)}`;
    await rename(temporary, blobFile(directory, digest));
    const { plain } = weight;
    const mediaType = compression === 'gzip' ? OCI_LAYER : OCI_ZSTD_LAYER;
    const compressor = compression === 'gzip' ? `zlib-${process.versions.zlib}` : `zstd-${process.versions['zstd']}`;
    return { descriptor: { mediaType, digest, size }, diffId: `sha256:${diff.digest('hex')}`, plain, compressor };
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Faster than gzip at its level, and as small. */
const ZSTD = { chunkSize: BATCH, params: { [constants.ZSTD_c_compressionLevel]: 6 } };

/** Returns where a blob is, or would be, in a directory of blobs. */
export function blobFile(directory: string, digest: Digest): string {
  const { algorithm, hex } = splitDigest(digest);
  return join(directory, `${algorithm}-${hex}`);
}

/** Adds up what the files of an archive would be without links. */
class Weight {
  plain = 0;
  readonly #sizes = new Map<string, number>();

  async *watch(entries: Iterable<TarEntry> | AsyncIterable<TarEntry>): AsyncGenerator<TarEntry, void> {
    for await (const entry of entries) {
      if ('content' in entry) this.#sizes.set(entry.name, entry.content.size);
      if ('content' in entry) this.plain += entry.content.size;
      else if ('linkTo' in entry) this.plain += this.#sizes.get(entry.linkTo) ?? 0;
      yield entry;
    }
  }
}

/** Passes a stream on in pieces of {@link BATCH} bytes, the last one shorter. */
async function* inBatches(content: AsyncIterable<Buffer>, seen: (batch: Buffer) => void): AsyncGenerator<Buffer, void> {
  let waiting: Buffer[] = [];
  let size = 0;
  for await (const chunk of content) {
    waiting.push(chunk);
    size += chunk.length;
    if (size < BATCH) continue;
    const bytes = Buffer.concat(waiting, size);
    const whole = size - (size % BATCH);
    for (let at = 0; at < whole; at += BATCH) {
      const batch = bytes.subarray(at, at + BATCH);
      seen(batch);
      yield batch;
    }
    waiting = [bytes.subarray(whole)];
    size -= whole;
  }
  if (size === 0) return;
  const rest = Buffer.concat(waiting, size);
  seen(rest);
  yield rest;
}
