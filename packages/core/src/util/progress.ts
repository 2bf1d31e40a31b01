import type { Log } from './log.ts';
import { formatBytes } from './units.ts';

/** Milliseconds between two lines. */
const INTERVAL = 5000;

/** Tells every few seconds, in a plain line, how far a transfer has come and how fast it is. */
export class Progress {
  readonly #timer: NodeJS.Timeout;
  readonly #started = Date.now();
  #done = 0;
  #skipped = 0;

  constructor(title: string, total: number, log: Log) {
    this.#timer = setInterval(() => {
      const percent = Math.floor((this.#done / Math.max(total, 1)) * 100);
      log.info(`${title}: ${formatBytes(this.#done)} of ${formatBytes(total)} (${percent} %), ${this.speed()}`);
    }, INTERVAL).unref();
  }

  /** Counts bytes that were moved. */
  add(bytes: number): void {
    this.#done += bytes;
  }

  /** Counts bytes that were there already and say nothing about the speed; a negative number takes back what was lost. */
  skip(bytes: number): void {
    this.#done += bytes;
    this.#skipped += bytes;
  }

  /** Returns the average so far, `12.3 MB/s`. */
  speed(): string {
    const seconds = Math.max(Date.now() - this.#started, 1) / 1000;
    return `${formatBytes(Math.max(this.#done - this.#skipped, 0) / seconds)}/s`;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
