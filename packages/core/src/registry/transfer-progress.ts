import type { Log } from '../util/log.ts';
import { formatBytes, formatDuration } from '../util/units.ts';
import type { TransferStatistics } from './transfer-statistics.ts';

/** Milliseconds between two lines. */
const INTERVAL = 5000;

/**
 * Tells every few seconds, in one line, how far a transfer of blobs has come, how fast it is, how long it may still take,
 * and what it waits for. How much there is becomes known while it runs, and what was there already says nothing about the
 * speed.
 */
export class TransferProgress {
  readonly #timer: NodeJS.Timeout;

  constructor(statistics: TransferStatistics, log: Log) {
    const started = Date.now();
    this.#timer = setInterval(() => {
      const { wanted, read, settled } = statistics;
      const total = Math.max(wanted - settled, read);
      const speed = (read / Math.max(Date.now() - started, 1)) * 1000;
      const left = speed === 0 ? undefined : ((total - read) / speed) * 1000;
      const waiting = statistics.oldest();
      log.info(
        [
          `${formatBytes(read)} of ${formatBytes(total)} moved`,
          `${formatBytes(speed)}/s`,
          ...(left === undefined ? [] : [`about ${formatDuration(left)} left`]),
          waiting === undefined ? 'waiting for answers about images' : `waiting for ${waiting}`,
        ].join(', '),
      );
    }, INTERVAL).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
