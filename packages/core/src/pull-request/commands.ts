import { readMeantLines } from './markdown-lines.ts';

/** A line such as `/kind release` in a pull request's body or in a comment. */
export interface Command {
  /** Without the slash: `kind`, `queue`, `cc`. */
  readonly name: string;
  /** The words that follow. */
  readonly words: readonly string[];
  /** Counts from 1. */
  readonly line: number;
  /** Counts from 1. */
  readonly column: number;
}

/**
 * Returns the commands in what somebody wrote; lines in code, quotes and HTML comments give none, and a line behind more
 * than three blanks is code. https://spec.commonmark.org/0.31.2/#indented-code-blocks
 */
export function readCommands(markdown: string): Command[] {
  return readMeantLines(markdown).flatMap(({ text, line }) => {
    const [, indent = '', name, rest = ''] = /^( {0,3})\/([A-Za-z][A-Za-z-]*)(?:\s+(.*))?$/s.exec(text) ?? [];
    if (name === undefined) return [];
    const words = rest.split(/\s+/).filter((word) => word !== '');
    return [{ name: name.toLowerCase(), words, line, column: indent.length + 1 }];
  });
}
