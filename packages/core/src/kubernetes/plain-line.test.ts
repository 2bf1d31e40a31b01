import { describe, expect, it } from 'vitest';
import { plainLine } from './plain-line.ts';

describe('plainLine', () => {
  it.each([
    ['\u001b[1;31mred\u001b[0m', 'red'],
    ['\u001b]8;;https://example.com\u0007link\u001b]8;;\u0007', 'link'],
    ['one\ttwo\r', 'one  two'],
    ['over\b\b\b\bwritten\u0000', 'overwritten'],
    ['naïve 日本', 'naïve 日本'],
  ])('%j becomes %j', (line, expected) => {
    expect(plainLine(line)).toBe(expected);
  });

  it('cuts what has no end', () => {
    expect(plainLine('x'.repeat(5000))).toHaveLength(1001);
  });
});
