/** A place in a text; both count from 1, as editors and GitHub's annotations do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/**
 * Finds the line of an offset without reading the text again: a text with a hundred thousand faults is asked for as many
 * places.
 */
export class LineIndex {
  /** Offset of each line's first character. */
  readonly #starts: readonly number[];

  constructor(text: string) {
    const starts = [0];
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) starts.push(end + 1);
    this.#starts = starts;
  }

  positionAt(offset: number): Position {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.#starts[low] ?? 0) + 1 };
  }
}
