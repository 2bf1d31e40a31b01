import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { randomBytes, randomText } from './random-bytes.ts';
import { collectBlob, type SampleBlob } from './sample-blob.ts';
import { TAR_END, tarHeader, tarPadding } from './ustar.ts';

export interface LayerOptions {
  /** Compressed size in bytes, met within a few per cent for layers above 64 KiB. */
  readonly size: number;
  /** True fills the layer with text, which is slower to make; otherwise its bytes cannot be compressed. */
  readonly compressible?: boolean;
  /** Layers with equal seed, size and kind are equal, whatever image they are in. */
  readonly seed?: string;
}

/** A layer and the digest of its tar before compression, which an image's config names. */
export interface SampleLayer {
  readonly blob: SampleBlob;
  readonly diffId: string;
}

/** How many bytes of hexadecimal text gzip makes one byte of. */
const TEXT_RATIO = 1.85;
const FILES = 3;

/** Makes a gzipped tar with a few files; without a directory it is held in memory. */
export async function makeLayer(seed: string, options: LayerOptions, directory?: string): Promise<SampleLayer> {
  const text = options.compressible === true;
  const size = Math.round(options.size * (text ? TEXT_RATIO : 1));
  const diff = createHash('sha256');
  const tar = function* (): Generator<Buffer> {
    for (const piece of layerTar(seed, size, text)) {
      diff.update(piece);
      yield piece;
    }
  };
  // Level 0 stores what no level makes smaller, and does not spend a minute on a layer of 2 GB to find out.
  const gzip = createGzip({ level: text ? 6 : 0, chunkSize: 256 * 1024 });
  const source = Readable.from(tar(), { objectMode: false });
  source.on('error', (error) => gzip.destroy(error));
  const blob = await collectBlob(source.pipe(gzip), directory);
  return { blob, diffId: `sha256:${diff.digest('hex')}` };
}

function* layerTar(seed: string, size: number, text: boolean): Generator<Buffer> {
  const name = createHash('sha256').update(seed).digest('hex').slice(0, 12);
  yield tarHeader({ name: `${name}/`, size: 0, mode: 0o755 });
  for (let index = 0; index < FILES; index += 1) {
    const length = Math.floor(size / FILES) + (index === 0 ? size % FILES : 0);
    yield tarHeader({ name: `${name}/${index}.${text ? 'txt' : 'bin'}`, size: length, mode: 0o644 });
    yield* (text ? randomText : randomBytes)(`${seed}/${index}`, length);
    yield tarPadding(length);
  }
  yield TAR_END;
}
