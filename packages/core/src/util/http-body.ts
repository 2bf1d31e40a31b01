import { type Framing, HttpSyntaxError } from './http-head.ts';

const CR = 13;
const LF = 10;

/** More digits than any length has. */
const LONGEST_SIZE_LINE = 1024;

/**
 * Cuts the body of an answer out of what a connection reads, without copying a byte.
 *
 * https://www.rfc-editor.org/rfc/rfc9112#section-7.1
 */
export class BodyDecoder {
  readonly #kind: Framing['kind'];
  /** Bytes of the body, or of its present chunk, that are still to come. */
  #left: number;
  /** Where a chunked body is; `trailer` is everything behind the last chunk. */
  #state: 'size' | 'data' | 'data-end' | 'trailer' = 'size';
  /** The line that is being read. */
  #line = '';
  #done: boolean;

  constructor(framing: Framing) {
    this.#kind = framing.kind;
    this.#left = framing.kind === 'length' ? framing.size : 0;
    this.#done = framing.kind === 'length' && framing.size === 0;
  }

  /** Whether all of the body has been read. */
  get done(): boolean {
    return this.#done;
  }

  /** Whether the body ends when the connection does. */
  get endsWithConnection(): boolean {
    return this.#kind === 'close';
  }

  /** Calls `give` with each piece of the body in `bytes`; returns what lies behind the body, undefined when nothing does. */
  decode(bytes: Buffer, give: (piece: Buffer) => void): Buffer | undefined {
    if (this.#kind === 'close') {
      give(bytes);
      return undefined;
    }
    if (this.#kind === 'chunked') return this.#decodeChunks(bytes, give);
    const piece = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= piece.length;
    this.#done = this.#left === 0;
    if (piece.length > 0) give(piece);
    return bytes.length > piece.length ? bytes.subarray(piece.length) : undefined;
  }

  #decodeChunks(bytes: Buffer, give: (piece: Buffer) => void): Buffer | undefined {
    for (let at = 0; at < bytes.length; ) {
      if (this.#done) return bytes.subarray(at);
      if (this.#state === 'data') {
        const end = Math.min(bytes.length, at + this.#left);
        this.#left -= end - at;
        give(bytes.subarray(at, end));
        at = end;
        if (this.#left === 0) this.#state = 'data-end';
      } else {
        const end = bytes.indexOf(LF, at);
        const until = end === -1 ? bytes.length : end;
        this.#line += bytes.toString('latin1', at, until);
        if (this.#line.length > LONGEST_SIZE_LINE) throw new HttpSyntaxError('a chunk has no length');
        at = until + 1;
        if (end !== -1) this.#endLine();
      }
    }
    return undefined;
  }

  #endLine(): void {
    const line = this.#line;
    this.#line = '';
    if (line.charCodeAt(line.length - 1) !== CR) throw new HttpSyntaxError('a line of a chunk ends without CR');
    if (this.#state === 'data-end') {
      if (line.length > 1) throw new HttpSyntaxError('a chunk is longer than it says');
      this.#state = 'size';
    } else if (this.#state === 'trailer') {
      this.#done = line.length === 1;
    } else {
      const [, digits] = /^([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?\r$/.exec(line) ?? [];
      if (digits === undefined) throw new HttpSyntaxError(`a chunk has the length '${line.slice(0, 80)}'`);
      this.#left = Number.parseInt(digits, 16);
      this.#state = this.#left === 0 ? 'trailer' : 'data';
    }
  }
}
