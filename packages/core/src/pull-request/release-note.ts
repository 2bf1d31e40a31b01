import { readMarkdownLines } from './markdown-lines.ts';

/**
 * Says whether a pull request's body has a place for the release note: a block of fenced code called `release-note`, or
 * the words "Release note" as a heading. What it says is the author's business; `NONE` and nothing are allowed.
 */
export function hasReleaseNote(body: string): boolean {
  return readMarkdownLines(body).some(({ text, kind }) => {
    if (kind === 'fence') return /^\s*[`~]+\s*release-notes?\b/i.test(text);
    return kind === 'text' && /^release[ -]notes?\s*([:：].*)?$/i.test(text.replaceAll(/[*_#]/g, '').trim());
  });
}
