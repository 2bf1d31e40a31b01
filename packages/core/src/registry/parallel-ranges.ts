import { Pool } from '../util/pool.ts';
import { readBuffers } from '../util/read-buffers.ts';

const MEBIBYTE = 1024 * 1024;

/** When one connection is not enough, and how much more is read at once. */
export interface RangeRules {
  /** Blobs smaller than this, bytes, are read over one connection. */
  readonly large: number;
  /** Bytes after which the speed is judged, again and again. */
  readonly probe: number;
  /** Bytes a second below which one connection counts as slow: a long way, or a limit for each connection. */
  readonly slow: number;
  /** Bytes of one range. */
  readonly range: number;
  /** Ranges of one blob that are on the way, or wait for their turn. */
  readonly atOnce: number;
}

export const RANGE_RULES: RangeRules = {
  large: 64 * MEBIBYTE,
  probe: 8 * MEBIBYTE,
  slow: 40 * MEBIBYTE,
  range: 2 * MEBIBYTE,
  atOnce: 4,
};

/** Blobs of one registry that are read at once at the most when one of them goes on in ranges. */
export const FEW = 2;

/** Ranges that are in memory at once, of all blobs together: 24 MiB. */
const memory = new Pool(12);

/** Opens the bytes from `start` to before `end`, exactly those; fails at a server that knows no ranges, if `strict`. */
export type OpenRange = (start: number, end: number, strict: boolean) => AsyncIterable<Buffer>;

/**
 * Reads a blob over one connection, and goes on over several when it is large and that one is slow: in ranges, which are put
 * together in their order.
 *
 * What counts is how long the bytes are waited for. Where the receiver is the slow one, more connections to the source would
 * be of no use; on a fast network one is enough; and while `isAlone` says that many blobs are read, those are the many
 * connections. A server that knows no ranges loses nothing: the first range has to be there before the first connection
 * is given up.
 */
export async function* readInRanges(
  size: number,
  open: OpenRange,
  isAlone: () => boolean,
  rules: RangeRules = RANGE_RULES,
): AsyncGenerator<Buffer, void> {
  if (size < rules.large) return yield* open(0, size, false);
  const single = open(0, size, false)[Symbol.asyncIterator]();
  let ahead: RangesAhead | undefined;
  try {
    let [offset, judgedAt, waited, refused] = [0, 0, 0, false];
    while (true) {
      const asked = performance.now();
      const step = await single.next();
      waited += performance.now() - asked;
      if (step.done === true) return;
      const chunk = step.value;
      if (ahead !== undefined && offset + chunk.length >= ahead.start) {
        if (await ahead.works()) {
          yield chunk.subarray(0, ahead.start - offset);
          await single.return?.();
          return yield* ahead.read();
        }
        refused = true;
        ahead.close();
        ahead = undefined;
      }
      offset += chunk.length;
      yield chunk;
      if (refused || ahead !== undefined || offset - judgedAt < rules.probe) continue;
      const isSlow = ((offset - judgedAt) / waited) * 1000 < rules.slow;
      [judgedAt, waited] = [offset, 0];
      const isWorthIt = isSlow && isAlone() && size - offset > 2 * rules.range;
      if (isWorthIt) ahead = new RangesAhead(offset + rules.range, size, open, rules);
    }
  } finally {
    await single.return?.();
    ahead?.close();
  }
}

/** A range in memory; `free` gives its place to another one. */
interface Range {
  readonly bytes: Promise<readonly Buffer[]>;
  readonly free: () => void;
}

/** The ranges of a blob from `start` to its end, of which the next few are read ahead. */
class RangesAhead {
  readonly start: number;
  readonly #size: number;
  readonly #open: OpenRange;
  readonly #rules: RangeRules;
  readonly #ranges: Range[] = [];
  readonly #works: Promise<boolean>;
  #next: number;
  #closed = false;

  constructor(start: number, size: number, open: OpenRange, rules: RangeRules) {
    this.start = start;
    this.#next = start;
    this.#size = size;
    this.#open = open;
    this.#rules = rules;
    this.#works = this.#begin().bytes.then(
      () => {
        this.#fill();
        return true;
      },
      () => false,
    );
  }

  /** Tells whether the server gives ranges, as soon as the first is there. */
  works(): Promise<boolean> {
    return this.#works;
  }

  /** Gives up what is still to be read. */
  close(): void {
    this.#next = this.#size;
    this.#closed = true;
    for (const { free } of this.#ranges.splice(0)) free();
  }

  async *read(): AsyncGenerator<Buffer, void> {
    for (let range = this.#ranges[0]; range !== undefined; range = this.#ranges[0]) {
      yield* await range.bytes;
      this.#ranges.shift();
      range.free();
      this.#fill();
    }
  }

  #fill(): void {
    while (this.#ranges.length < this.#rules.atOnce && this.#next < this.#size) this.#begin();
  }

  #begin(): Range {
    const start = this.#next;
    const end = Math.min(this.#size, start + this.#rules.range);
    this.#next = end;
    const bytes = Promise.withResolvers<readonly Buffer[]>();
    const freed = Promise.withResolvers<void>();
    // Whoever waits for it is told; when nobody does any more, it is no failure.
    bytes.promise.catch(() => undefined);
    void memory.run(async () => {
      if (this.#closed) return;
      await this.#collect(start, end).then(bytes.resolve, bytes.reject);
      await freed.promise;
    });
    const range = { bytes: bytes.promise, free: freed.resolve };
    this.#ranges.push(range);
    return range;
  }

  /** Puts a range into few buffers: what a slow connection reads at once is little, and would fill many that are large. */
  async #collect(start: number, end: number): Promise<readonly Buffer[]> {
    const full: Buffer[] = [];
    let buffer = readBuffers.take();
    let used = 0;
    let size = 0;
    const finish = (): void => {
      full.push(readBuffers.lend(buffer, used));
      used = 0;
    };
    for await (const chunk of this.#open(start, end, true)) {
      for (let at = 0; at < chunk.length; ) {
        if (used === buffer.length) {
          finish();
          buffer = readBuffers.take();
        }
        const copied = chunk.copy(buffer, used, at);
        at += copied;
        used += copied;
      }
      size += chunk.length;
      readBuffers.release(chunk);
    }
    finish();
    return size === end - start ? full : Promise.reject(new Error(`a range has ${size} bytes, not ${end - start}`));
  }
}
