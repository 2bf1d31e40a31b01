import { randomBytes } from 'node:crypto';
import { crc32, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Content, contentOf, readAll } from '../util/content.ts';
import { combineCrc32 } from './crc32-sum.ts';
import { storedGzip } from './stored-gzip.ts';

describe('combineCrc32', () => {
  it('gives the checksum of the whole', () => {
    const bytes = randomBytes(70_000);
    for (const cut of [0, 1, 7, 4096, 65_535, 69_999, 70_000]) {
      const [first, second] = [bytes.subarray(0, cut), bytes.subarray(cut)];
      expect(combineCrc32(crc32(first), crc32(second), second.length)).toBe(crc32(bytes));
    }
  });
});

describe('a frame inside of a frame', () => {
  /** The chunks are copied, for whoever made them may use their memory again. */
  const unpack = async ({ open }: Content): Promise<Buffer> =>
    gunzipSync(Buffer.concat(await Array.fromAsync(open(), (chunk) => Buffer.from(chunk))));

  it.each([0, 1, 65_535, 65_536, 300_000])('has the right checksums around %d bytes', async (size) => {
    const bytes = randomBytes(size);
    const inner = storedGzip(contentOf(bytes));
    const twice = await unpack(storedGzip(storedGzip(inner)));
    expect(gunzipSync(gunzipSync(twice)).equals(bytes)).toBe(true);
  });

  it('has them too when its chunks are cut, joined or written over on the way', async () => {
    const bytes = randomBytes(200_000);
    const inner = storedGzip(contentOf(bytes));
    const memory = Buffer.alloc(70_000);
    const others: Content[] = [10, 50_000, 70_000].map((size) => ({
      size: inner.size,
      async *open() {
        const all = await readAll(inner.open(), inner.size);
        for (let at = 0; at < all.length; at += size) yield memory.subarray(0, all.copy(memory, 0, at, at + size));
      },
    }));
    for (const other of others) expect(gunzipSync(await unpack(storedGzip(other))).equals(bytes)).toBe(true);
  });
});
