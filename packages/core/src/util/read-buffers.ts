import type { OnReadOpts, Socket } from 'node:net';

/** Bytes that one read of a socket brings at the most: four times node's own, so a quarter of the work for each byte. */
const SIZE = 256 * 1024;

/** Buffers that are kept for later; more than this many are rarely on the way at once. */
const KEPT = 64;

/**
 * The memory that sockets read into, used again and again.
 *
 * Node makes a new buffer for every 64 KiB that arrive; for gigabytes, making and collecting those costs more than
 * moving the bytes. Here a buffer comes back once a socket of `reuseAfterWriting` has written a piece of it out. What is
 * written nowhere, such as a manifest that is kept, never comes back and is collected as usual. So whoever passes chunks
 * of a response on to a request must not look at them again once the next chunk was asked for.
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
      buffer: () => this.#take(),
      // Node calls this as a method of the socket, which is how the bytes become readable in the usual way.
      callback(this: unknown, size: number, { buffer, byteOffset }: Uint8Array): boolean {
        ends.set(buffer, byteOffset + size);
        return (this as Socket).push(Buffer.from(buffer, byteOffset, size));
      },
    };
  }

  /** Takes buffers back as soon as `socket` has written them. */
  reuseAfterWriting(socket: Socket): void {
    const write = socket.write.bind(socket) as (chunk: unknown, ...rest: unknown[]) => boolean;
    const reusing = (chunk: unknown, ...rest: unknown[]): boolean => {
      if (!(chunk instanceof Uint8Array) || rest.length > 0 || !this.#isLast(chunk)) return write(chunk, ...rest);
      return write(chunk, (error?: Error | null) => {
        if (error === undefined || error === null) this.#giveBack(chunk.buffer);
      });
    };
    socket.write = reusing as typeof socket.write;
  }

  #isLast({ buffer, byteOffset, length }: Uint8Array): boolean {
    return this.#ends.get(buffer) === byteOffset + length;
  }

  #take(): Buffer {
    const free = this.#free.pop();
    return free ?? Buffer.allocUnsafeSlow(SIZE);
  }

  #giveBack(memory: ArrayBufferLike): void {
    // Once only, whatever else of it is written.
    if (!this.#ends.delete(memory)) return;
    if (this.#free.length < KEPT) this.#free.push(Buffer.from(memory));
  }
}
