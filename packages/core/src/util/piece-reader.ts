/**
 * Reads one stream in pieces of given sizes, each a stream of its own, one after the other.
 */
export class PieceReader {
  readonly #source: AsyncIterator<Buffer, unknown>;
  /** What was read and belongs to the next piece. */
  #rest: Buffer | undefined;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Gives the next `size` bytes; fewer when the stream has no more. */
  async *take(size: number): AsyncGenerator<Buffer, void> {
    for (let left = size; left > 0; ) {
      const chunk = await this.#next();
      if (chunk === undefined) return;
      const piece = chunk.length > left ? chunk.subarray(0, left) : chunk;
      this.#rest = chunk.length > left ? chunk.subarray(left) : undefined;
      left -= piece.length;
      yield piece;
    }
  }

  /** Reads `size` bytes and gives them to nobody. */
  async skip(size: number): Promise<void> {
    for await (const _ of this.take(size));
  }

  /** Ends the stream, wherever it is. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #next(): Promise<Buffer | undefined> {
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) return rest;
    const { value, done } = await this.#source.next();
    return done === true ? undefined : value;
  }
}
