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
export function shorten(text: string): string {
  const line = text.slice(0, LONGEST + 1).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}
