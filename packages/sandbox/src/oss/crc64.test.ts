import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Crc64, joinCrc64 } from './crc64.ts';

/** The definition of the checksum, one bit at a time. */
function bitwise(bytes: Uint8Array): string {
  let crc = 0xffffffffffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1n ? (crc >> 1n) ^ 0xc96c5795d7870f42n : crc >> 1n;
  }
  return String(crc ^ 0xffffffffffffffffn);
}

it.each([0, 1, 8, 499, 1000])('joinCrc64 gives the checksum of two pieces, cut at %i', (cut) => {
  const bytes = randomBytes(1000);
  const [first, second] = [bytes.subarray(0, cut), bytes.subarray(cut)];
  expect(joinCrc64(bitwise(first), bitwise(second), second.length)).toBe(bitwise(bytes));
});

describe('Crc64', () => {
  it('has the check value of the catalogue', () => {
    expect(new Crc64().update(Buffer.from('123456789')).digest()).toBe('11051210869376104954');
  });

  it('is zero for no bytes', () => {
    expect(new Crc64().digest()).toBe('0');
  });

  it.each([1, 7, 8, 9, 63, 64, 65, 1000])('agrees with the definition for %i bytes', (size) => {
    const bytes = randomBytes(size);
    expect(new Crc64().update(bytes).digest()).toBe(bitwise(bytes));
  });

  it('does not depend on where the stream is cut', () => {
    const bytes = randomBytes(1000);
    const crc = new Crc64();
    for (const [from, to] of [
      [0, 1],
      [1, 14],
      [14, 14],
      [14, 515],
      [515, 1000],
    ] as const) {
      crc.update(bytes.subarray(from, to));
    }
    expect(crc.digest()).toBe(bitwise(bytes));
  });
});
