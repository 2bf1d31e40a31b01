import type { TracedText } from './traced-text.ts';
import { expandText, type Lookup, splitPair, splitWords, WordError } from './words.ts';

/** A name and its value, of a LABEL or an ENV. */
export type Pair = readonly [string, TracedText];

/** Reads `name=value …`, or the old form `name value`; throws a WordError for what is neither. */
export function readPairs(text: TracedText, lookup: Lookup, escapeCharacter: string): Pair[] {
  const [first, second] = splitWords(text, () => undefined, escapeCharacter);
  const name = /^(\S+)\s+/.exec(text.text);
  if (first !== undefined && second !== undefined && name !== null && splitPair(first) === undefined) {
    const [all, written = ''] = name;
    const value = expandText(text.slice(all.length), lookup, escapeCharacter);
    return [[expandText(text.slice(0, written.length), lookup, escapeCharacter).text, value]];
  }
  return splitWords(text, lookup, escapeCharacter).map((word) => {
    const pair = splitPair(word);
    if (pair === undefined || pair[0] === '') throw new WordError(`'${word.text}' is not written as name=value`);
    return pair;
  });
}
