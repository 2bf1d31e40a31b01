/** A part of a file: offsets of its first character and of the one after its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * A text that knows where each of its characters stands in the file that it was read from.
 *
 * What a Dockerfile says is not how it is written: quotes and escapes are taken off, lines joined, variables filled in.
 * An edit that shall keep every other byte needs the way back.
 */
export class TracedText {
  readonly text: string;
  /** Of each character; undefined for one that stands nowhere in the file. */
  readonly #origins: readonly (Span | undefined)[];

  private constructor(text: string, origins: readonly (Span | undefined)[]) {
    this.text = text;
    this.#origins = origins;
  }

  /** Returns a text that stands in the file as it is, from an offset on. */
  static at(offset: number, text: string): TracedText {
    return new TracedText(
      text,
      Array.from({ length: text.length }, (_, index) => ({ start: offset + index, end: offset + index + 1 })),
    );
  }

  /** Returns a text that comes from elsewhere, as the variables of a base image do. */
  static elsewhere(text: string): TracedText {
    return new TracedText(
      text,
      Array.from({ length: text.length }, () => undefined),
    );
  }

  static join(parts: readonly TracedText[]): TracedText {
    return new TracedText(
      parts.map(({ text }) => text).join(''),
      parts.flatMap((part) => part.#origins),
    );
  }

  get length(): number {
    return this.text.length;
  }

  slice(start: number, end?: number): TracedText {
    return new TracedText(this.text.slice(start, end), this.#origins.slice(start, end));
  }

  /** Leaves out the blanks at both ends. */
  trim(): TracedText {
    const start = this.text.length - this.text.trimStart().length;
    return this.slice(start, Math.max(start, this.text.trimEnd().length));
  }

  /** Returns what stands for `character` where it is written with another one before it, as escapes are. */
  static escaped(before: TracedText, character: TracedText): TracedText {
    const [first] = before.#origins;
    const [second] = character.#origins;
    const origin = first === undefined || second === undefined ? undefined : { start: first.start, end: second.end };
    return new TracedText(
      character.text,
      character.#origins.map(() => origin),
    );
  }

  /** The part of the file that is this text and nothing else; undefined when its characters stand apart, or elsewhere. */
  get span(): Span | undefined {
    const first = this.#origins[0];
    const last = this.#origins.at(-1);
    if (first === undefined || last === undefined) return undefined;
    const isWhole = this.#origins.every((origin, index) => {
      const before = index === 0 ? undefined : this.#origins[index - 1];
      return origin !== undefined && (index === 0 || before?.end === origin.start);
    });
    return isWhole ? { start: first.start, end: last.end } : undefined;
  }
}
