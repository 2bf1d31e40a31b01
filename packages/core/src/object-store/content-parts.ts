import { createHash, type Hash } from 'node:crypto';
import type { Content } from '../util/content.ts';
import { readBuffers } from '../util/read-buffers.ts';
import { type ContentDigest, combineParts, type Part, partSizeFor } from './content-digest.ts';
import { Crc64 } from './crc64.ts';

/** One part of a content, and its bytes, until it is released. */
export interface PartBytes {
  readonly part: Part;
  readonly bytes: Buffer;
  /** Gives the memory back: the next part will be read into it. */
  release(): void;
}

/**
 * A content that is read once, from its beginning to its end, in parts that are held in memory as long as they are needed:
 * they can be sent again without being read again. Its digest is there when all parts are.
 */
export class ContentParts {
  readonly #content: Content;
  readonly #partSize: number;
  readonly #sha256: Hash = createHash('sha256');
  readonly #parts: Part[] = [];
  readonly #free: Buffer[] = [];

  constructor(content: Content) {
    this.#content = content;
    this.#partSize = partSizeFor(content.size);
  }

  /** The parts that can be held at once with 64 MiB of memory; at least one. */
  get window(): number {
    return Math.max(1, Math.min(4, Math.floor((64 * 1024 * 1024) / this.#partSize)));
  }

  /** Returns the length of the part with a number, bytes; 0 when there is no such part. */
  lengthOf(number: number): number {
    return Math.max(0, Math.min(this.#partSize, this.#content.size - (number - 1) * this.#partSize));
  }

  /** Reads the parts in their order. The memory of a part that is not released is not used again. */
  async *read(): AsyncGenerator<PartBytes, void> {
    let buffer = this.#take();
    let filled = 0;
    let crc64 = new Crc64();
    for await (const chunk of this.#content.open()) {
      this.#sha256.update(chunk);
      for (let at = 0; at < chunk.length; ) {
        const copied = chunk.copy(buffer, filled, at);
        crc64.update(chunk.subarray(at, at + copied));
        at += copied;
        filled += copied;
        if (filled < buffer.length) continue;
        yield this.#close(buffer, filled, crc64);
        buffer = this.#take();
        filled = 0;
        crc64 = new Crc64();
      }
      readBuffers.release(chunk);
    }
    if (filled > 0) yield this.#close(buffer, filled, crc64);
  }

  /** Returns the digest of what was read; asked for once, after the last part. */
  digest(): ContentDigest {
    const size = this.#parts.at(-1)?.end ?? 0;
    if (size !== this.#content.size) throw new RangeError(`content has ${size} bytes instead of ${this.#content.size}`);
    return { size, sha256: this.#sha256.digest('hex'), crc64: combineParts(this.#parts) };
  }

  #take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#partSize);
  }

  #close(buffer: Buffer, filled: number, crc64: Crc64): PartBytes {
    const start = this.#parts.length * this.#partSize;
    const part = { number: this.#parts.length + 1, start, end: start + filled, crc64: String(crc64.digest()) };
    this.#parts.push(part);
    return { part, bytes: buffer.subarray(0, filled), release: () => this.#free.push(buffer) };
  }
}

/** Reads a content for its digest alone. */
export async function digestContent(content: Content): Promise<ContentDigest> {
  const parts = new ContentParts(content);
  for await (const { release } of parts.read()) release();
  return parts.digest();
}
