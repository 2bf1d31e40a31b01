import type { PushedImage } from '../plugin/subject.ts';
import { type MarkdownLine, readMarkdownLines } from './markdown-lines.ts';

/** Each part ends where the next one begins, so that a line of blanks is read once and not once for each of them. */
const HEADING = /^ {0,3}(?=\S)[*_#\s]*images?(?:\(s\))?\s+pushed\s+to\b[*_\s:：]*(.*)$/is;

/**
 * Returns the references that a comment lists below `image(s) pushed to`, one a line until the first line that is none.
 *
 * A line counts when it looks like a reference, even a wrong one: a misspelt line in the middle must become a finding,
 * not the silent end of the list. Blank lines and the opening of a code block may stand between heading and list; a
 * heading that itself is quoted or in code, as it is behind more than three blanks, is an example, and is ignored.
 */
export function readImageList(markdown: string): PushedImage[] {
  const lines = readMarkdownLines(markdown);
  return lines.flatMap((line, index) => {
    const heading = line.kind === 'text' ? HEADING.exec(line.text) : null;
    if (heading === null) return [];
    const rest = heading[1] ?? '';
    const reference = asReference(rest);
    if (rest.trim() !== '' && reference === undefined) return [];
    const first = reference === undefined ? [] : [{ reference, line: line.line }];
    return [...first, ...readList(lines.slice(index + 1))];
  });
}

function readList(lines: readonly MarkdownLine[]): PushedImage[] {
  const listed: PushedImage[] = [];
  for (const { text, line, kind } of lines) {
    const reference = kind === 'quote' ? undefined : asReference(text);
    if (reference !== undefined) listed.push({ reference, line });
    else if (listed.length > 0 || (text.trim() !== '' && kind !== 'fence')) break;
  }
  return listed;
}

/** Returns the reference on a line: one word that begins with a registry's name, in a list or in backticks or not. */
function asReference(text: string): string | undefined {
  const word = text
    .trim()
    .replace(/^(?:[-*+]|[0-9]+[.)])\s+/, '')
    .replace(/^`([^`]*)`$/, '$1')
    .replace(/^<([^<>]*)>$/, '$1');
  const slash = word.indexOf('/');
  const host = word.slice(0, Math.max(slash, 0));
  const isHost = /^[A-Za-z0-9[]/.test(host) && !host.endsWith(':') && /[.:]|^localhost$/.test(host);
  return isHost && !/\s/.test(word) ? word : undefined;
}
