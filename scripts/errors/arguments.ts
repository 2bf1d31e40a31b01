/**
 * Splits what stands between parentheses into its arguments; `start` is the place after the opening one. Strings,
 * templates and nested brackets are stepped over; comments count as spaces.
 */
export function readArguments(text: string, start: number): string[] {
  const found: string[] = [];
  let depth = 0;
  let from = start;
  for (let at = start; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === "'" || char === '"' || char === '`') at = skipString(text, at, char);
    else if (text.startsWith('//', at)) at = endOf(text, '\n', at);
    else if (text.startsWith('/*', at)) at = endOf(text, '*/', at) + 1;
    else if ('([{'.includes(char)) depth += 1;
    else if (depth > 0 && ')]}'.includes(char)) depth -= 1;
    else if (char === ',' && depth === 0) {
      found.push(text.slice(from, at).trim());
      from = at + 1;
    } else if (char === ')') {
      return [...found, text.slice(from, at).trim()].filter((argument) => argument !== '');
    }
  }
  throw new Error(`A parenthesis is not closed: ${text.slice(start, start + 80)}`);
}

function endOf(text: string, mark: string, at: number): number {
  const end = text.indexOf(mark, at);
  return end === -1 ? text.length : end;
}

/** Returns where the string that begins at `at` ends; a template may hold templates. */
function skipString(text: string, at: number, quote: string): number {
  for (let next = at + 1; next < text.length; next += 1) {
    if (text[next] === '\\') next += 1;
    else if (text[next] === quote) return next;
    else if (quote === '`' && text.startsWith('${', next)) next = skipBraces(text, next + 2);
  }
  throw new Error(`A string is not closed: ${text.slice(at, at + 80)}`);
}

function skipBraces(text: string, start: number): number {
  let depth = 1;
  for (let at = start; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === "'" || char === '"' || char === '`') at = skipString(text, at, char);
    else if (char === '{') depth += 1;
    else if (char === '}' && --depth === 0) return at;
  }
  throw new Error(`A brace is not closed: ${text.slice(start, start + 80)}`);
}
