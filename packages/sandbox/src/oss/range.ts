import { OssError } from './error.ts';

/** Offsets of the first and the last byte. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a Range header, of several ranges the first; undefined means the whole object.
 *
 * OSS answers with the whole object when the range does not lie inside it, unless the request says
 * `x-oss-range-behavior: standard`; then the end is cut, and a start behind the object is an error.
 * @throws OssError InvalidRange, only with the standard behaviour
 * https://help.aliyun.com/en/oss/how-to-obtain-oss-resources-by-segmenting-http-range-requests
 */
export function rangeOf(header: string | undefined, size: number, standard: boolean): ByteRange | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)(?:,.*)?$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const suffix = first === '';
  const start = suffix ? size - Number(last) : Number(first);
  const end = suffix || last === '' ? size - 1 : Number(last);
  if (start > end && start < size) return undefined;
  const fits = start >= 0 && start < size && end < size;
  if (fits) return { start, end };
  if (!standard) return undefined;
  if (start >= size) {
    throw new OssError(416, 'InvalidRange', 'The requested range cannot be satisfied.', {
      details: { ActualObjectSize: String(size), RangeRequested: header ?? '' },
    });
  }
  return { start: Math.max(start, 0), end: Math.min(end, size - 1) };
}
