import type { Headers } from '../util/http.ts';
import type { Log } from '../util/log.ts';
import { formatDuration } from '../util/units.ts';

/** A part of the limit that is left, below which one is warned. */
const NEAR = 0.1;

/**
 * Watches what a registry says of the pulls that one may still make, as Docker Hub does with each manifest: 100 in six
 * hours for an address without login. Manifests count, and only when they are read: a HEAD is free.
 *
 * https://docs.docker.com/docker-hub/usage/pulls/
 */
export class PullLimit {
  readonly #registry: string;
  readonly #log: Log;
  #limit: Figure | undefined;
  #left: Figure | undefined;
  #told: 'nothing' | 'limit' | 'warning' = 'nothing';

  constructor(registry: string, log: Log) {
    this.#registry = registry;
    this.#log = log;
  }

  /** Reads the headers of an answer; says once what the limit is, and once more when it is nearly reached. */
  observe(headers: Headers): void {
    const limit = parseFigure(headers['ratelimit-limit']);
    const left = parseFigure(headers['ratelimit-remaining']);
    if (limit === undefined || left === undefined) return;
    this.#limit = limit;
    this.#left = left;
    if (this.#told === 'nothing') {
      this.#told = 'limit';
      this.#log.info(`${this.#describe()}.`);
    }
    if (this.#told === 'limit' && left.count <= limit.count * NEAR) {
      this.#told = 'warning';
      this.#log.warning(`${this.#describe()}. Log in with another account, or copy fewer images at once.`);
    }
  }

  /** Says after a 429 when to come back and what to do; `account` says who asked. */
  explain(headers: Headers, account: string): string {
    this.observe(headers);
    const limit = this.#limit;
    if (limit === undefined) return '';
    return [
      `${this.#describe()}.`,
      headers['retry-after'] === undefined
        ? `Come back in ${formatWindow(limit.seconds)} at the latest, or log in: accounts have higher limits.`
        : 'Accounts have higher limits: log in.',
      account,
    ].join(' ');
  }

  #describe(): string {
    const { count = 0, seconds = 0 } = this.#limit ?? {};
    return `${this.#registry}: ${this.#left?.count ?? 0} of ${count} pulls left in ${formatWindow(seconds)}`;
  }
}

interface Figure {
  readonly count: number;
  /** The time it is for. */
  readonly seconds: number;
}

/** Reads `100;w=21600`. Without the window it is the limit of some other server, which counts requests. */
function parseFigure(header: string | undefined): Figure | undefined {
  const [, count, seconds] = /^\s*(\d{1,9})\s*;\s*w=(\d{1,9})/.exec(header ?? '') ?? [];
  return count === undefined ? undefined : { count: Number(count), seconds: Number(seconds) };
}

function formatWindow(seconds: number): string {
  return seconds % 3600 === 0 ? `${seconds / 3600} h` : formatDuration(seconds * 1000);
}
