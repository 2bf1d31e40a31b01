/** CRC-64/XZ: the polynomial of ECMA-182 with its bits reversed, as it is used bit by bit from the low end. */
const POLYNOMIAL = 0xc96c_5795_d787_0f42n;

/**
 * Checksums of single bytes: entry `256 * n + byte` is that of `byte` with `n` zero bytes after it, so that eight bytes
 * are taken in one step. Two tables of 32 bits each, for 64-bit integers would be objects on the heap.
 */
const [LOW, HIGH] = createTables();

function createTables(): [low: Int32Array, high: Int32Array] {
  const table = new BigUint64Array(8 * 256);
  for (let entry = 0; entry < table.length; entry += 1) {
    const before = entry < 256 ? BigInt(entry) : (table[entry - 256] ?? 0n);
    table[entry] = entry < 256 ? shiftOut(before, 8) : (before >> 8n) ^ (table[Number(before & 0xffn)] ?? 0n);
  }
  return [
    Int32Array.from(table, (value) => Number(BigInt.asIntN(32, value))),
    Int32Array.from(table, (value) => Number(BigInt.asIntN(32, value >> 32n))),
  ];
}

/** Divides by the polynomial, `bits` steps. */
function shiftOut(value: bigint, bits: number): bigint {
  let rest = value;
  for (let bit = 0; bit < bits; bit += 1) rest = (rest & 1n) === 0n ? rest >> 1n : (rest >> 1n) ^ POLYNOMIAL;
  return rest;
}

/**
 * The checksum that OSS keeps of every object and part (`x-oss-hash-crc64ecma`), over bytes as they pass by.
 *
 * https://reveng.sourceforge.io/crc-catalogue/17plus.htm#crc.cat.crc-64-xz
 */
export class Crc64 {
  #low = -1;
  #high = -1;

  update(bytes: Uint8Array): this {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const end = bytes.length - (bytes.length % 8);
    let low = this.#low;
    let high = this.#high;
    for (let at = 0; at < end; at += 8) {
      const a = low ^ view.getInt32(at, true);
      const b = high ^ view.getInt32(at + 4, true);
      const i0 = 1792 + (a & 255);
      const i1 = 1536 + ((a >>> 8) & 255);
      const i2 = 1280 + ((a >>> 16) & 255);
      const i3 = 1024 + (a >>> 24);
      const i4 = 768 + (b & 255);
      const i5 = 512 + ((b >>> 8) & 255);
      const i6 = 256 + ((b >>> 16) & 255);
      const i7 = b >>> 24;
      low = lowOf(i0) ^ lowOf(i1) ^ lowOf(i2) ^ lowOf(i3) ^ lowOf(i4) ^ lowOf(i5) ^ lowOf(i6) ^ lowOf(i7);
      high = highOf(i0) ^ highOf(i1) ^ highOf(i2) ^ highOf(i3) ^ highOf(i4) ^ highOf(i5) ^ highOf(i6) ^ highOf(i7);
    }
    for (let at = end; at < bytes.length; at += 1) {
      const entry = (low ^ view.getUint8(at)) & 255;
      low = ((low >>> 8) | (high << 24)) ^ lowOf(entry);
      high = (high >>> 8) ^ highOf(entry);
    }
    this.#low = low;
    this.#high = high;
    return this;
  }

  /** The checksum of the bytes so far; OSS writes it as a decimal number. */
  digest(): bigint {
    return (BigInt(~this.#high >>> 0) << 32n) | BigInt(~this.#low >>> 0);
  }
}

function lowOf(entry: number): number {
  return LOW[entry] ?? 0;
}

function highOf(entry: number): number {
  return HIGH[entry] ?? 0;
}

/** 1 and x as polynomials: the highest bit stands for the lowest power. */
const ONE = 1n << 63n;
const X = 1n << 62n;

/**
 * Returns the checksum of two pieces put together from the checksums of both and the length of the second, bytes.
 *
 * Appending n bytes multiplies the first checksum by x to the power of 8n, modulo the polynomial; this is how the sum of
 * a whole object is known from those of its parts without reading anything twice.
 */
export function combineCrc64(first: bigint, second: bigint, secondLength: number): bigint {
  return multiply(first, power(BigInt(secondLength) * 8n)) ^ second;
}

function power(exponent: bigint): bigint {
  let result = ONE;
  let square = X;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = multiply(result, square);
    square = multiply(square, square);
  }
  return result;
}

function multiply(a: bigint, b: bigint): bigint {
  let product = 0n;
  let shifted = b;
  for (let bit = 63n; bit >= 0n; bit -= 1n) {
    if (((a >> bit) & 1n) === 1n) product ^= shifted;
    shifted = shiftOut(shifted, 1);
  }
  return product;
}
