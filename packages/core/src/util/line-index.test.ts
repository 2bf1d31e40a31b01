import { expect, it } from 'vitest';
import { LineIndex } from './line-index.ts';

it.each([
  [0, 1, 1],
  [1, 1, 2],
  [2, 2, 1],
  [3, 3, 1],
  [5, 3, 3],
])('finds offset %i on line %i, column %i', (offset, line, column) => {
  expect(new LineIndex('a\n\nbc').positionAt(offset)).toEqual({ line, column });
});

it('has one line even without any text', () => {
  expect(new LineIndex('').positionAt(0)).toEqual({ line: 1, column: 1 });
});
