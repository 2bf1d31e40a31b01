/** One line of a comment or a description. */
export interface MarkdownLine {
  /** Without its line break; HTML comments are replaced by blanks. */
  readonly text: string;
  /** Counts from 1. */
  readonly line: number;
  /** `fence` opens or closes fenced code, `code` is inside of it. Commands count in `text` only. */
  readonly kind: 'text' | 'fence' | 'code' | 'quote';
}

/** Where a fence is looked for: at the margin as at the top of a text, or anywhere as in a list. */
type Reading = 'margin' | 'anywhere';

const OPENING = {
  margin: /^( {0,3})(`{3,}(?=[^`]*$)|~{3,})/,
  anywhere: /^(\s*(?:(?:[-*+]|[0-9]{1,9}[.)])\s+)*)(`{3,}(?=[^`]*$)|~{3,})/,
} as const;

const QUOTE = /^\s*(?:(?:[-*+]|[0-9]{1,9}[.)])\s+)*>/;

/** What stands between as many backticks as before it. Only whole runs of them are tried, so that a long one is read once. */
const CODE_SPAN = /(?<!`)(`+)(?!`)[^`]+\1(?!`)/g;

/** HTML that shows what is inside of it as code, or as somebody else's words. */
const SHOWING = /<(\/?)(?:pre|code|blockquote)\b[^<>]*>?/gi;

/**
 * Splits what people write on GitHub into lines and says which of them are meant: what stands in fenced code, in `<pre>`,
 * in quotes and in HTML comments is shown to somebody or left over from a template.
 *
 * Whether a fence belongs to a list depends on the whole list before it, so text is read both ways, and what is code in
 * one of them is code. A line directly behind a quote belongs to the quote, as it does in Markdown where the quote ends in
 * a paragraph: whoever answers leaves a blank line first.
 * https://spec.commonmark.org/0.31.2/#fenced-code-blocks https://spec.commonmark.org/0.31.2/#laziness-clause
 */
export function readMarkdownLines(markdown: string): MarkdownLine[] {
  const raw = markdown.split(/\r\n|\n|\r/);
  const other = readLines(raw, 'anywhere');
  return readLines(raw, 'margin').map((line, index) => {
    const twin = other[index] ?? line;
    const kind = KINDS.find((each) => line.kind === each || twin.kind === each) ?? 'text';
    // What is a comment in one reading is a comment.
    return { ...line, kind, text: line.text.trim().length <= twin.text.trim().length ? line.text : twin.text };
  });
}

/** What a line is when it is read in two ways, the first that one of them says. */
const KINDS = ['fence', 'code', 'quote', 'text'] as const;

function readLines(raw: readonly string[], reading: Reading): MarkdownLine[] {
  let fence: Fence | undefined;
  let isInComment = false;
  let isShown = false;
  let isInQuote = false;
  return raw.map((written, index): MarkdownLine => {
    const line = index + 1;
    if (fence !== undefined) {
      if (!closes(written, fence)) return { text: written, line, kind: 'code' };
      fence = undefined;
      return { text: written, line, kind: 'fence' };
    }
    const blanked = blankComments(written, isInComment);
    isInComment = blanked.isOpen;
    const { text } = blanked;
    const wasShown = isShown;
    isShown = staysShown(text, isShown);
    if (wasShown) return { text, line, kind: 'code' };
    const [, before = '', marks] = OPENING[reading].exec(text) ?? [];
    if (marks !== undefined) {
      fence = { marks, indent: before.length };
      isInQuote = false;
      return { text, line, kind: 'fence' };
    }
    isInQuote = QUOTE.test(text) || (isInQuote && text.trim() !== '');
    if (isInQuote) return { text, line, kind: 'quote' };
    return { text, line, kind: isShown ? 'code' : 'text' };
  });
}

/** Returns the lines whose text is meant. */
export function readMeantLines(markdown: string): MarkdownLine[] {
  return readMarkdownLines(markdown).filter(({ kind }) => kind === 'text');
}

interface Fence {
  readonly marks: string;
  /** Blanks, and marks of a list, before it. */
  readonly indent: number;
}

/** A fence that is closed stands at most three blanks further in than the one that was opened. */
function closes(text: string, { marks, indent }: Fence): boolean {
  const [, before = '', closing] = /^(\s*)(`{3,}|~{3,})[ \t]*$/.exec(text) ?? [];
  if (closing === undefined || before.length > indent + 3) return false;
  return closing[0] === marks[0] && closing.length >= marks.length;
}

/** Says whether what follows a line is inside of HTML that shows it; such a word between backticks is only mentioned. */
function staysShown(text: string, wasShown: boolean): boolean {
  let isShown = wasShown;
  for (const [, slash] of text.replaceAll(CODE_SPAN, '').matchAll(SHOWING)) isShown = slash === '';
  return isShown;
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
