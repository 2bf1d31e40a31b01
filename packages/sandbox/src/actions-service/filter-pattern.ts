/** Characters that mean something else in a regular expression. */
const special = /[\\^$.|(){}[\]*+?/]/g;

const escaped = (text: string): string => text.replaceAll(special, '\\$&');

/**
 * Translates a filter pattern into a regular expression for a whole name: `*` is anything but slashes, `**` anything,
 * `?` and `+` repeat what is before them, `[…]` is one of several characters.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet
 */
export function patternExpression(pattern: string): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; ) {
    const rest = pattern.slice(at);
    const [token = '', replacement] = nextToken(rest, at === 0 || pattern[at - 1] === '/');
    source += replacement;
    at += token.length;
  }
  return new RegExp(`^${source}$`, 's');
}

function nextToken(rest: string, startsPart: boolean): readonly [token: string, replacement: string] {
  // A whole part of stars may also be no part at all: `**/a` matches `a`.
  if (startsPart && rest.startsWith('**/')) return ['**/', '(?:.*/)?'];
  if (rest.startsWith('**')) return ['**', '.*'];
  if (rest.startsWith('*')) return ['*', '[^/]*'];
  const [set] = /^\[[^\]]+\]/.exec(rest) ?? [];
  if (set !== undefined) return [set, `[${set.slice(1, -1).replaceAll(/[\\^]/g, '\\$&')}]`];
  const [first = ''] = rest;
  if (first === '?' || first === '+') return [first, first];
  if (first === '\\' && rest.length > 1) return [rest.slice(0, 2), escaped(rest[1] ?? '')];
  return [first, escaped(first)];
}

/** Tells whether a name passes a list of patterns, where one that starts with `!` takes away what earlier ones let in. */
export function passes(name: string, patterns: readonly string[]): boolean {
  let matched = false;
  for (const pattern of patterns) {
    const isNegative = pattern.startsWith('!');
    if (patternExpression(isNegative ? pattern.slice(1) : pattern).test(name)) matched = !isNegative;
  }
  return matched;
}
