import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Crc64, combineCrc64 } from './crc64.ts';

const crc64 = (bytes: Uint8Array): bigint => new Crc64().update(bytes).digest();

/** The definition, one bit at a time. */
function bitwise(bytes: Uint8Array): bigint {
  let crc = 0xffff_ffff_ffff_ffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0xc96c5795d7870f42n : crc >> 1n;
  }
  return crc ^ 0xffff_ffff_ffff_ffffn;
}

describe('Crc64', () => {
  it('gives the check value of the catalogue', () => {
    expect(crc64(Buffer.from('123456789'))).toBe(11051210869376104954n);
    expect(crc64(Buffer.alloc(0))).toBe(0n);
  });

  it('agrees with the definition for every length and alignment', () => {
    const bytes = randomBytes(64);
    for (let start = 0; start < 9; start += 1) {
      for (let end = start; end < 50; end += 1) {
        expect(crc64(bytes.subarray(start, end))).toBe(bitwise(bytes.subarray(start, end)));
      }
    }
  });

  it('does not mind how the bytes are cut', () => {
    const bytes = randomBytes(10_000);
    const crc = new Crc64();
    for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 1009) {
      crc.update(bytes.subarray(at, at + size));
    }
    expect(crc.digest()).toBe(crc64(bytes));
  });
});

describe('combineCrc64', () => {
  it('gives the checksum of the whole', () => {
    const bytes = randomBytes(5000);
    for (const cut of [0, 1, 7, 8, 4096, 4999, 5000]) {
      const [first, second] = [bytes.subarray(0, cut), bytes.subarray(cut)];
      expect(combineCrc64(crc64(first), crc64(second), second.length)).toBe(crc64(bytes));
    }
  });
});
