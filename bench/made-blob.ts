import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { randomBytes } from '@slipway/sandbox/images/random-bytes';

const BLOCK = 1024 * 1024;

/** A blob of any size that is nowhere: each of its blocks is made when it is read. */
export class MadeBlob {
  readonly size: number;
  readonly digest: string;
  readonly #block: Buffer;

  /** Reads the whole blob once for its digest: half a second for each GB. */
  constructor(seed: string, size: number) {
    this.size = size;
    this.#block = Buffer.concat([...randomBytes(seed, BLOCK)]);
    const hash = createHash('sha256');
    for (const bytes of this.#read(0, size)) hash.update(bytes);
    this.digest = `sha256:${hash.digest('hex')}`;
  }

  /** Opens the bytes from `start` to before `end`. */
  open(start: number, end: number): Readable {
    return Readable.from(this.#read(start, end), { objectMode: false });
  }

  *#read(start: number, end: number): Generator<Buffer> {
    for (let at = start; at < end; ) {
      const index = Math.floor(at / BLOCK);
      const block = Buffer.from(this.#block);
      // Every block is another one, and the first looks like gzip's: what is not gzip some clients would compress.
      block.writeUInt32LE(index, 8);
      if (index === 0) block.set([0x1f, 0x8b, 8]);
      const bytes = block.subarray(at % BLOCK, Math.min(BLOCK, end - index * BLOCK));
      yield bytes;
      at += bytes.length;
    }
  }
}
