import { describe, expect, it } from 'vitest';
import { rangeOf } from './range.ts';

describe('rangeOf', () => {
  it.each([
    ['bytes=0-9', 0, 9],
    ['bytes=90-', 90, 99],
    ['bytes=-10', 90, 99],
    ['bytes=99-99', 99, 99],
    ['bytes=0-1,5-6', 0, 1],
  ])('reads %s', (header, start, end) => {
    expect(rangeOf(header, 100, false)).toEqual({ start, end });
  });

  it.each([undefined, 'bytes=', 'bytes=-', 'bytes=5-2', 'chunks=0-1'])('takes %s as no range', (header) => {
    expect(rangeOf(header, 100, true)).toBeUndefined();
  });

  it.each(['bytes=90-100', 'bytes=100-', 'bytes=-101'])('answers %s with the whole object by default', (header) => {
    expect(rangeOf(header, 100, false)).toBeUndefined();
  });

  it('cuts a range at the end of the object when asked to behave as standard', () => {
    expect(rangeOf('bytes=90-100', 100, true)).toEqual({ start: 90, end: 99 });
    expect(rangeOf('bytes=-101', 100, true)).toEqual({ start: 0, end: 99 });
    expect(() => rangeOf('bytes=100-', 100, true)).toThrow(expect.objectContaining({ code: 'InvalidRange' }));
  });
});
