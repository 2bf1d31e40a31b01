import { describe, expect, it } from 'vitest';
import { parseFileCommand } from './file-command.ts';

describe('parseFileCommand', () => {
  it('reads lines and values of several lines', () => {
    const text = 'a=1=2\nempty=\nlong<<E_1\nfirst\n\nb<<x=y\nE_1\nc<<E\r\nE\r\n';
    expect(parseFileCommand(text)).toEqual({ a: '1=2', empty: '', long: 'first\n\nb<<x=y', c: '' });
  });

  it.each([
    ['just a line', /invalid format/],
    ['=value', /invalid format/],
    ['a<<E\nnever ended', /no line 'E'/],
    ['a<<\nx\n', /invalid value/],
  ])('refuses %j', (text, message) => {
    expect(() => parseFileCommand(text)).toThrow(message);
  });
});
