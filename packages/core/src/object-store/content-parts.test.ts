import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Content, sha256 } from '../util/content.ts';
import { ContentParts, digestContent } from './content-parts.ts';
import { Crc64 } from './crc64.ts';

const MEBIBYTE = 1024 * 1024;

/** Six parts, of which the last is short. */
const SIZE = 40 * MEBIBYTE + 5;

const block = randomBytes(MEBIBYTE);
const whole = Buffer.concat(Array.from({ length: 41 }, () => block)).subarray(0, SIZE);

const content: Content = {
  size: SIZE,
  async *open() {
    for (let at = 0; at < SIZE; at += 300_000) yield whole.subarray(at, at + 300_000);
  },
};

describe('a content in parts', () => {
  it('gives each part and, in the end, the digest of all', async () => {
    const parts = new ContentParts(content);
    const seen: Buffer[] = [];
    for await (const { part, bytes, release } of parts.read()) {
      expect(part).toMatchObject({ number: seen.length + 1, start: seen.length * 8 * MEBIBYTE });
      expect(bytes.length).toBe(parts.lengthOf(part.number));
      expect(part.crc64).toBe(String(new Crc64().update(bytes).digest()));
      seen.push(Buffer.from(bytes));
      release();
    }
    expect(Buffer.concat(seen).equals(whole)).toBe(true);
    const crc64 = String(new Crc64().update(whole).digest());
    expect(parts.digest()).toEqual({ size: SIZE, sha256: sha256(whole), crc64 });
  });

  it('takes up the memory of parts that were released, and of no others', async () => {
    const held: Buffer[] = [];
    const memories = new Set<ArrayBufferLike>();
    for await (const { part, bytes, release } of new ContentParts(content).read()) {
      memories.add(bytes.buffer);
      if (part.number % 2 === 0) release();
      else held.push(bytes);
    }
    // Of three memories held, each with its part in it, and at most one that was given back and may be taken again.
    expect(
      held.map((bytes, index) => bytes.equals(whole.subarray(index * 16 * MEBIBYTE).subarray(0, bytes.length))),
    ).toEqual([true, true, true]);
    expect(new Set(held.map(({ buffer }) => buffer)).size).toBe(3);
    expect(memories.size).toBeLessThan(6);
  });

  it('can be given up in the middle', async () => {
    for await (const { part } of new ContentParts(content).read()) if (part.number === 2) break;
  });

  it('fails as its source fails', async () => {
    const broken: Content = {
      size: SIZE,
      async *open() {
        yield whole.subarray(0, 20 * MEBIBYTE);
        throw new Error('the source is gone');
      },
    };
    await expect(digestContent(broken)).rejects.toThrow('the source is gone');
  });
});
