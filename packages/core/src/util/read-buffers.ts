import type { OnReadOpts, Socket } from 'node:net';

/** Bytes that one read of a socket brings at the most: four times node's own, so a quarter of the work for each byte. */
const SIZE = 256 * 1024;

/** Buffers that are kept for later; more than this many are rarely on the way at once. */
const KEPT = 32;

/**
 * The memory that sockets read into, used again and again.
 *
 * Node makes a new buffer for every 64 KiB that arrive; for gigabytes, making and collecting those costs more than
 * moving the bytes. Here a buffer comes back once a piece of it was written out, or nobody wanted it. What is kept, such
 * as a manifest, never comes back and is collected as usual. So whoever passes chunks of a response on to a request must
 * not look at them again once the next chunk was asked for.
 *
 * One read may hold several pieces of a body (chunked encoding). They are written in their order, so the memory is free
 * when the piece is written that ends where the read ended.
 */
export class ReadBuffers {
  readonly #free: Buffer[] = [];
  /** The memory that was made here, with the number of bytes that the last read put into it. */
  readonly #ends = new WeakMap<ArrayBufferLike, number>();

  /** The `onread` of a socket that reads into these buffers; https://nodejs.org/api/net.html#socketconnectoptions-connectlistener. */
  readonly onread: OnReadOpts;

  constructor() {
    const ends = this.#ends;
    this.onread = {
      buffer: () => this.take(),
      // Node calls this as a method of the socket, which is how the bytes become readable in the usual way.
      callback(this: unknown, size: number, { buffer, byteOffset }: Uint8Array): boolean {
        ends.set(buffer, byteOffset + size);
        return (this as Socket).push(Buffer.from(buffer, byteOffset, size));
      },
    };
  }

  /** Gives memory to whoever fills it himself, and passes it on by `lend`. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(SIZE);
  }

  /** Returns the first `size` bytes of what was taken: they come back by `release`, as what a socket has read does. */
  lend(taken: Buffer, size: number): Buffer {
    this.#ends.set(taken.buffer, taken.byteOffset + size);
    return taken.subarray(0, size);
  }

  /** Takes back the memory behind `piece`, when it is ours and the piece is the last of what was read into it. */
  release({ buffer, byteOffset, length }: Uint8Array): void {
    if (this.#ends.get(buffer) !== byteOffset + length) return;
    // Once only, whatever else of it is released.
    this.#ends.delete(buffer);
    if (this.#free.length < KEPT) this.#free.push(Buffer.from(buffer));
  }
}

/**
 * One memory for all servers: what is read from one is written to another. Who copies chunks of a response in their order,
 * and is the only one who has them, gives each back by `release`.
 */
export const readBuffers = new ReadBuffers();
