/** First and last byte, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a `Range` header for content of `size` bytes.
 *
 * Returns undefined where the whole content is the right answer (no header, several ranges, another unit) and
 * `unsatisfiable` where it asks for bytes behind the end.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
 */
export function readRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  const [first, last] = [found?.[1] ?? '', found?.[2] ?? ''];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  return start >= size ? 'unsatisfiable' : { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) };
}

/** Reads the `Content-Range` of an uploaded chunk, which has no unit: `<first>-<last>`. */
export function readChunkRange(header: string): ByteRange | undefined {
  const found = /^(\d+)-(\d+)$/.exec(header);
  const range = { start: Number(found?.[1]), end: Number(found?.[2]) };
  return found !== null && range.start <= range.end ? range : undefined;
}
