/** One line of a comment or a description. */
export interface MarkdownLine {
  /** Without its line break; HTML comments are replaced by blanks. */
  readonly text: string;
  /** Counts from 1. */
  readonly line: number;
  /** `fence` opens or closes fenced code, `code` is inside of it. Commands count in `text` only. */
  readonly kind: 'text' | 'fence' | 'code' | 'quote';
}

/**
 * Splits what people write on GitHub into lines and says which of them are meant: what stands in fenced code, quotes and
 * HTML comments is shown to somebody or left over from a template.
 *
 * https://spec.commonmark.org/0.31.2/#fenced-code-blocks
 */
export function readMarkdownLines(markdown: string): MarkdownLine[] {
  let fence: string | undefined;
  let isInComment = false;
  return markdown.split(/\r\n|\n|\r/).map((raw, index): MarkdownLine => {
    const line = index + 1;
    if (fence !== undefined) {
      if (!closes(raw, fence)) return { text: raw, line, kind: 'code' };
      fence = undefined;
      return { text: raw, line, kind: 'fence' };
    }
    const blanked = blankComments(raw, isInComment);
    isInComment = blanked.isOpen;
    const { text } = blanked;
    fence = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/.exec(text)?.[1];
    if (fence !== undefined) return { text, line, kind: 'fence' };
    return { text, line, kind: /^ {0,3}>/.test(text) ? 'quote' : 'text' };
  });
}

/** Returns the lines whose text is meant. */
export function readMeantLines(markdown: string): MarkdownLine[] {
  return readMarkdownLines(markdown).filter(({ kind }) => kind === 'text');
}

function closes(text: string, fence: string): boolean {
  const closing = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(text)?.[1];
  return closing !== undefined && closing[0] === fence[0] && closing.length >= fence.length;
}

/** Replaces HTML comments by as many blanks, so that columns stay. */
function blankComments(text: string, isOpenBefore: boolean): { text: string; isOpen: boolean } {
  let result = '';
  let rest = text;
  let isOpen = isOpenBefore;
  while (rest !== '') {
    const found = rest.indexOf(isOpen ? '-->' : '<!--');
    const end = found === -1 ? rest.length : found + (isOpen ? 3 : 0);
    result += isOpen ? ' '.repeat(end) : rest.slice(0, end);
    rest = rest.slice(end);
    if (found !== -1) isOpen = !isOpen;
  }
  return { text: result, isOpen };
}
