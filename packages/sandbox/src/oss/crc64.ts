/** CRC-64/XZ, polynomial 0x42F0E1EBA9EA3693 bit-reversed, as two 32-bit halves. */
const POLYNOMIAL_HIGH = 0xc96c5795;
const POLYNOMIAL_LOW = 0xd7870f42;

/**
 * Entry `slice * 256 + byte` is the checksum of `byte` followed by `slice` zero bytes: eight slices let eight bytes be
 * taken in one step.
 */
const HIGH = new Uint32Array(8 * 256);
const LOW = new Uint32Array(8 * 256);

for (let byte = 0; byte < 256; byte += 1) {
  let high = 0;
  let low = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    const odd = (low & 1) === 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (odd) {
      low ^= POLYNOMIAL_LOW;
      high ^= POLYNOMIAL_HIGH;
    }
  }
  HIGH[byte] = high;
  LOW[byte] = low;
}
for (let entry = 256; entry < HIGH.length; entry += 1) {
  const high = highAt(entry - 256);
  const low = lowAt(entry - 256);
  const byte = low & 0xff;
  HIGH[entry] = (high >>> 8) ^ highAt(byte);
  LOW[entry] = ((low >>> 8) | (high << 24)) ^ lowAt(byte);
}

function highAt(entry: number): number {
  return HIGH[entry] ?? 0;
}

function lowAt(entry: number): number {
  return LOW[entry] ?? 0;
}

/**
 * Computes the CRC-64/XZ of a stream of bytes, the checksum that OSS sends as `x-oss-hash-crc64ecma`.
 *
 * It works on 32-bit halves because BigInt arithmetic is some hundred times slower and objects are large.
 * https://reveng.sourceforge.io/crc-catalogue/17plus.htm#crc.cat.crc-64-xz
 */
export class Crc64 {
  #high = -1;
  #low = -1;

  update(bytes: Uint8Array): this {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const wholeWords = bytes.length - (bytes.length % 8);
    let high = this.#high;
    let low = this.#low;
    for (let at = 0; at < wholeWords; at += 8) {
      const a = low ^ view.getUint32(at, true);
      const b = high ^ view.getUint32(at + 4, true);
      const a0 = 0x700 + (a & 0xff);
      const a1 = 0x600 + ((a >>> 8) & 0xff);
      const a2 = 0x500 + ((a >>> 16) & 0xff);
      const a3 = 0x400 + (a >>> 24);
      const b0 = 0x300 + (b & 0xff);
      const b1 = 0x200 + ((b >>> 8) & 0xff);
      const b2 = 0x100 + ((b >>> 16) & 0xff);
      const b3 = b >>> 24;
      high = highAt(a0) ^ highAt(a1) ^ highAt(a2) ^ highAt(a3) ^ highAt(b0) ^ highAt(b1) ^ highAt(b2) ^ highAt(b3);
      low = lowAt(a0) ^ lowAt(a1) ^ lowAt(a2) ^ lowAt(a3) ^ lowAt(b0) ^ lowAt(b1) ^ lowAt(b2) ^ lowAt(b3);
    }
    for (let at = wholeWords; at < bytes.length; at += 1) {
      const entry = (low ^ view.getUint8(at)) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ lowAt(entry);
      high = (high >>> 8) ^ highAt(entry);
    }
    this.#high = high;
    this.#low = low;
    return this;
  }

  /** The checksum of the bytes so far in the form that OSS uses: an unsigned decimal number. */
  digest(): string {
    const high = BigInt(~this.#high >>> 0);
    const low = BigInt(~this.#low >>> 0);
    return String((high << 32n) | low);
  }
}

/** 1 and x as polynomials: the highest bit stands for the lowest power. */
const ONE = 1n << 63n;
const X = 1n << 62n;

/** Returns the checksum of two pieces put together, from those of both and the length of the second, bytes. */
export function joinCrc64(first: string, second: string, secondLength: number): string {
  let shift = ONE;
  let square = X;
  for (let rest = BigInt(secondLength) * 8n; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) shift = multiply(shift, square);
    square = multiply(square, square);
  }
  return String(multiply(BigInt(first), shift) ^ BigInt(second));
}

/** Multiplies modulo the polynomial. */
function multiply(a: bigint, b: bigint): bigint {
  const polynomial = (BigInt(POLYNOMIAL_HIGH) << 32n) | BigInt(POLYNOMIAL_LOW);
  let product = 0n;
  let shifted = b;
  for (let bit = ONE; bit > 0n; bit >>= 1n) {
    if ((a & bit) !== 0n) product ^= shifted;
    shifted = (shifted & 1n) === 0n ? shifted >> 1n : (shifted >> 1n) ^ polynomial;
  }
  return product;
}
