/** Characters of a value that are shown. */
const LONGEST = 100;

/** Returns `value` as a message shows it: in quotes when it is a string, cut when long, on one line. */
export function quote(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value !== 'string') return String(value);
  return `'${shorten(value)}'`;
}

/** Returns `text` on one line and without control characters, cut when it is longer than anybody reads. */
export function shorten(text: string, longest = LONGEST): string {
  const isCut = text.length > longest;
  const shown = isCut ? text.slice(0, longest) : text;
  // A cut, or the file itself, may leave half of a character.
  const line = shown.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
  return isCut ? `${line}…` : line;
}
