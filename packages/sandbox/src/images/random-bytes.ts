import { createCipheriv, createHash } from 'node:crypto';

const PIECE = Buffer.alloc(1024 * 1024);

/**
 * Yields `size` bytes that no compressor makes smaller and that equal seeds repeat, in pieces of at most 1 MiB.
 *
 * They are the key stream of AES-128-CTR: as good as random, and made by the processor at more than 1 GB a second.
 */
export function* randomBytes(seed: string, size: number): Generator<Buffer> {
  const key = createHash('sha256').update(seed).digest().subarray(0, 16);
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  for (let left = size; left > 0; left -= PIECE.length) {
    yield cipher.update(PIECE.subarray(0, Math.min(left, PIECE.length)));
  }
}

/** Yields `size` bytes of text that gzip makes about half as large: hexadecimal digits carry four bits each. */
export function* randomText(seed: string, size: number): Generator<Buffer> {
  let left = size;
  for (const bytes of randomBytes(seed, Math.ceil(size / 2))) {
    const text = Buffer.from(bytes.toString('hex'), 'latin1').subarray(0, left);
    left -= text.length;
    yield text;
  }
}
