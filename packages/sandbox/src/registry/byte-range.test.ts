import { expect, test } from 'vitest';
import { readChunkRange, readRange } from './byte-range.ts';

test.each([
  [undefined, undefined],
  ['bytes=0-0', { start: 0, end: 0 }],
  ['bytes=2-', { start: 2, end: 9 }],
  ['bytes=-3', { start: 7, end: 9 }],
  ['bytes=-99', { start: 0, end: 9 }],
  ['bytes=5-99', { start: 5, end: 9 }],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=5-4', undefined],
  ['bytes=0-1,3-4', undefined],
  ['lines=0-1', undefined],
])('of ten bytes, %s is %o', (header, expected) => {
  expect(readRange(header, 10)).toEqual(expected);
});

test('a chunk range has no unit and does not run backwards', () => {
  expect(readChunkRange('5-9')).toEqual({ start: 5, end: 9 });
  expect(readChunkRange('bytes=5-9')).toBeUndefined();
  expect(readChunkRange('9-5')).toBeUndefined();
});
