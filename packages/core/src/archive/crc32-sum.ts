/** The polynomial of CRC-32 with its bits reversed, as gzip has it; RFC 1952, section 8. */
const POLYNOMIAL = 0xedb8_8320;

/** The polynomial 1: the highest bit stands for the lowest power. */
const ONE = 1 << 31;

/** What appending some number of bytes multiplies a checksum by, for the lengths that were asked for. */
const shifts = new Map<number, number>();

/**
 * Returns the CRC-32 of two pieces put together from those of both and the length of the second, at most 64 KiB.
 *
 * Appending n bytes multiplies the first checksum by x to the power of 8n, modulo the polynomial. That is how bytes that
 * lie in one gzip frame inside of another are read for their checksum once.
 */
export function combineCrc32(first: number, second: number, secondLength: number): number {
  let shift = shifts.get(secondLength);
  if (shift === undefined) {
    shift = power(secondLength * 8);
    shifts.set(secondLength, shift);
  }
  return (multiply(shift, first) ^ second) >>> 0;
}

function power(exponent: number): number {
  let result = ONE;
  let square = ONE >>> 1;
  for (let rest = exponent; rest > 0; rest >>>= 1) {
    if ((rest & 1) === 1) result = multiply(result, square);
    square = multiply(square, square);
  }
  return result;
}

function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted;
    shifted = (shifted >>> 1) ^ (-(shifted & 1) & POLYNOMIAL);
  }
  return product;
}
