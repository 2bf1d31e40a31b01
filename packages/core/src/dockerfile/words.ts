import { TracedText } from './traced-text.ts';

/**
 * What a variable stands for; undefined when nobody set it, which is no mistake when `alternative` says what to take
 * instead, as in `${name:-alternative}`.
 */
export type Lookup = (name: string, alternative?: Alternative) => TracedText | undefined;

/** The word of `${name:-word}`, taken when the variable is not set, or of `${name:+word}`, taken when it is. */
export interface Alternative {
  readonly word: TracedText;
  readonly isDefault: boolean;
}

/** A way of writing that Dockerfiles allow and that is not understood here. */
export class WordError extends Error {
  override readonly name = 'WordError';
}

/**
 * Splits the text after a Dockerfile's keyword into words: quotes and escapes are taken off, variables filled in.
 *
 * Single quotes keep everything as it is; double quotes keep blanks. Variables are `$name`, `${name}`, `${name:-word}`
 * and `${name:+word}`. Throws a WordError for what Docker would not understand either, and for its pattern operators.
 * https://docs.docker.com/reference/dockerfile/#environment-replacement
 */
export function splitWords(text: TracedText, lookup: Lookup, escapeCharacter: string): TracedText[] {
  const reader = new WordReader(text, lookup, escapeCharacter);
  const words: TracedText[] = [];
  for (let word = reader.next(); word !== undefined; word = reader.next()) words.push(word);
  return words;
}

/** Fills in the variables of one text, blanks and all. */
export function expandText(text: TracedText, lookup: Lookup, escapeCharacter: string): TracedText {
  return new WordReader(text, lookup, escapeCharacter).rest();
}

/** What is written before and after the first `=` of a word; undefined when it has none. */
export function splitPair(word: TracedText): readonly [string, TracedText] | undefined {
  const equals = word.text.indexOf('=');
  return equals === -1 ? undefined : [word.text.slice(0, equals), word.slice(equals + 1)];
}

class WordReader {
  readonly #text: TracedText;
  readonly #lookup: Lookup;
  readonly #escape: string;
  #at = 0;

  constructor(text: TracedText, lookup: Lookup, escapeCharacter: string) {
    this.#text = text;
    this.#lookup = lookup;
    this.#escape = escapeCharacter;
  }

  next(): TracedText | undefined {
    while (/\s/.test(this.#peek())) this.#at += 1;
    if (this.#at >= this.#text.length) return undefined;
    return this.#read((character) => /\s/.test(character));
  }

  rest(): TracedText {
    return this.#read(() => false);
  }

  #peek(distance = 0): string {
    return this.#text.text.charAt(this.#at + distance);
  }

  /** Takes the next characters as they are. */
  #take(count = 1): TracedText {
    this.#at += count;
    return this.#text.slice(this.#at - count, this.#at);
  }

  #takeEscaped(): TracedText {
    const before = this.#take();
    return TracedText.escaped(before, this.#take());
  }

  #read(ends: (character: string) => boolean): TracedText {
    const parts: TracedText[] = [];
    while (this.#at < this.#text.length && !ends(this.#peek())) {
      const character = this.#peek();
      if (character === "'") parts.push(this.#readSingleQuoted());
      else if (character === '"') parts.push(this.#readDoubleQuoted());
      else if (character === '$') parts.push(this.#readVariable());
      else if (character === this.#escape) parts.push(this.#takeEscaped());
      else parts.push(this.#take());
    }
    return TracedText.join(parts);
  }

  #readSingleQuoted(): TracedText {
    const end = this.#text.text.indexOf("'", this.#at + 1);
    if (end === -1) throw new WordError('a single quote is not closed');
    const word = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return word;
  }

  #readDoubleQuoted(): TracedText {
    const parts: TracedText[] = [];
    this.#at += 1;
    for (;;) {
      const character = this.#peek();
      if (this.#at >= this.#text.length) throw new WordError('a double quote is not closed');
      if (character === '"') {
        this.#at += 1;
        return TracedText.join(parts);
      }
      const isEscape = character === this.#escape && ['"', '$', this.#escape].includes(this.#peek(1));
      if (character === '$') parts.push(this.#readVariable());
      else parts.push(isEscape ? this.#takeEscaped() : this.#take());
    }
  }

  #readVariable(): TracedText {
    const rest = this.#text.text.slice(this.#at);
    const plain = /^\$([A-Za-z_][A-Za-z0-9_]*)/.exec(rest);
    if (plain !== null) {
      this.#at += plain[0].length;
      return this.#lookup(plain[1] ?? '') ?? NOTHING;
    }
    if (!rest.startsWith('${')) return this.#take();
    const name = /^\$\{([A-Za-z_][A-Za-z0-9_]*)/.exec(rest)?.[1];
    if (name === undefined) throw new WordError(`'${rest.slice(0, 20)}' names no variable`);
    this.#at += name.length + 2;
    const operator = /^:?[-+]/.exec(this.#text.text.slice(this.#at))?.[0] ?? '';
    this.#at += operator.length;
    const word = operator === '' ? NOTHING : this.#read((character) => character === '}');
    if (this.#peek() !== '}')
      throw new WordError(`'\${${name}…' is not written as \${${name}} or \${${name}:-default}`);
    this.#at += 1;
    if (operator === '') return this.#lookup(name) ?? NOTHING;
    const isDefault = operator.endsWith('-');
    const value = this.#lookup(name, { word, isDefault });
    const isSet = value !== undefined && (value.length > 0 || !operator.startsWith(':'));
    if (!isDefault) return isSet ? word : NOTHING;
    return isSet ? value : word;
  }
}

const NOTHING = TracedText.elsewhere('');
