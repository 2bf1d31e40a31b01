/** What a variable stands for; undefined when nobody set it, which is no mistake when it has a default. */
export type Lookup = (name: string, hasDefault?: boolean) => string | undefined;

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
export function splitWords(text: string, lookup: Lookup, escapeCharacter: string): string[] {
  const reader = new WordReader(text, lookup, escapeCharacter);
  const words: string[] = [];
  for (let word = reader.next(); word !== undefined; word = reader.next()) words.push(word);
  return words;
}

/** Fills in the variables of one text, blanks and all. */
export function expandText(text: string, lookup: Lookup, escapeCharacter: string): string {
  return new WordReader(text, lookup, escapeCharacter).rest();
}

class WordReader {
  readonly #text: string;
  readonly #lookup: Lookup;
  readonly #escape: string;
  #at = 0;

  constructor(text: string, lookup: Lookup, escapeCharacter: string) {
    this.#text = text;
    this.#lookup = lookup;
    this.#escape = escapeCharacter;
  }

  next(): string | undefined {
    while (/\s/.test(this.#peek())) this.#at += 1;
    if (this.#at >= this.#text.length) return undefined;
    return this.#read((character) => /\s/.test(character));
  }

  rest(): string {
    return this.#read(() => false);
  }

  #peek(): string {
    return this.#text.charAt(this.#at);
  }

  #read(ends: (character: string) => boolean): string {
    let word = '';
    while (this.#at < this.#text.length && !ends(this.#peek())) {
      const character = this.#peek();
      if (character === "'") word += this.#readSingleQuoted();
      else if (character === '"') word += this.#readDoubleQuoted();
      else if (character === '$') word += this.#readVariable();
      else if (character === this.#escape) {
        word += this.#text.charAt(this.#at + 1);
        this.#at += 2;
      } else {
        word += character;
        this.#at += 1;
      }
    }
    return word;
  }

  #readSingleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end === -1) throw new WordError('a single quote is not closed');
    const word = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return word;
  }

  #readDoubleQuoted(): string {
    let word = '';
    this.#at += 1;
    for (;;) {
      const character = this.#peek();
      if (this.#at >= this.#text.length) throw new WordError('a double quote is not closed');
      if (character === '"') {
        this.#at += 1;
        return word;
      }
      if (character === '$') {
        word += this.#readVariable();
        continue;
      }
      const next = this.#text.charAt(this.#at + 1);
      const isEscape = character === this.#escape && ['"', '$', this.#escape].includes(next);
      word += isEscape ? next : character;
      this.#at += isEscape ? 2 : 1;
    }
  }

  #readVariable(): string {
    const rest = this.#text.slice(this.#at);
    const plain = /^\$([A-Za-z_][A-Za-z0-9_]*)/.exec(rest);
    if (plain !== null) {
      this.#at += plain[0].length;
      return this.#lookup(plain[1] ?? '') ?? '';
    }
    if (!rest.startsWith('${')) {
      this.#at += 1;
      return '$';
    }
    const name = /^\$\{([A-Za-z_][A-Za-z0-9_]*)/.exec(rest)?.[1];
    if (name === undefined) throw new WordError(`'${rest.slice(0, 20)}' names no variable`);
    this.#at += name.length + 2;
    const operator = /^:?[-+]/.exec(this.#text.slice(this.#at))?.[0] ?? '';
    this.#at += operator.length;
    const word = operator === '' ? '' : this.#read((character) => character === '}');
    if (this.#peek() !== '}')
      throw new WordError(`'\${${name}…' is not written as \${${name}} or \${${name}:-default}`);
    this.#at += 1;
    const value = this.#lookup(name, operator !== '');
    const isSet = value !== undefined && (value !== '' || !operator.startsWith(':'));
    if (operator.endsWith('+')) return isSet ? word : '';
    return isSet ? value : word;
  }
}
