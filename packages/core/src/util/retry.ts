import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What a failed attempt says about another one: not worth it (`false`), or worth it, at the earliest after `after` ms and
 * as long as there were fewer than `attempts`.
 */
export type Verdict = false | { readonly after?: number; readonly attempts?: number };

export interface RetryOptions {
  /** Judges a failure; only what it calls transient is tried again. */
  readonly judge: (error: unknown) => Verdict;
  /** How often one operation is tried at the most (default 5). */
  readonly attempts?: number;
  /** Called before each pause, `pause` in milliseconds. */
  readonly onRetry?: (error: unknown, pause: number) => void;
}

export interface RetryBudgetOptions {
  /**
   * Retries in a row that one host is worth before everything that talks to it gives up (default 40); ten operations
   * that succeed earn one back.
   */
  readonly retries?: number;
  /** First pause in milliseconds, doubled each time (default 500). */
  readonly base?: number;
  /** Longest pause of our own choosing, milliseconds (default 30,000); a server may ask for more. */
  readonly ceiling?: number;
  /** The longest pause a server may ask for, milliseconds (default 10 minutes); more counts as a failure. */
  readonly patience?: number;
  readonly random?: () => number;
  readonly sleep?: (milliseconds: number) => Promise<unknown>;
  readonly now?: () => number;
}

/** What one success gives back of the budget. */
const EARNED = 0.1;

/**
 * Repeats what fails for a passing reason, with one budget for everything that talks to the same host.
 *
 * Pauses grow exponentially with full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 * A pause that the server asks for holds back every operation on the host, not only the one that was told: the others
 * would be told the same. The budget is shared because a host that fails everything must not be asked for ever.
 */
export class RetryBudget {
  readonly #most: number;
  #left: number;
  #heldUntil = 0;
  readonly #base: number;
  readonly #ceiling: number;
  readonly #patience: number;
  readonly #random: () => number;
  readonly #sleep: (milliseconds: number) => Promise<unknown>;
  readonly #now: () => number;

  constructor(options: RetryBudgetOptions = {}) {
    this.#most = options.retries ?? 40;
    this.#left = this.#most;
    this.#base = options.base ?? 500;
    this.#ceiling = options.ceiling ?? 30_000;
    this.#patience = options.patience ?? 600_000;
    this.#random = options.random ?? Math.random;
    this.#sleep = options.sleep ?? sleep;
    this.#now = options.now ?? Date.now;
  }

  /** Runs `operation` until it succeeds, fails for good, or attempts or budget are used up; then throws its last error. */
  async run<T>(operation: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const held = this.#heldUntil - this.#now();
      if (held > 0) await this.#sleep(held);
      try {
        const result = await operation(attempt);
        this.#left = Math.min(this.#most, this.#left + EARNED);
        return result;
      } catch (error) {
        await this.pauseAfter(error, attempt, options);
      }
    }
  }

  /**
   * Pauses after the failure of an attempt (counted from 1), or throws `error` when there shall be no other one. For
   * what cannot be one function that is called again, such as a stream that goes on where it broke.
   */
  async pauseAfter(error: unknown, attempt: number, options: RetryOptions): Promise<void> {
    const verdict = options.judge(error);
    if (verdict === false || this.#left < 1) throw error;
    if (attempt >= Math.min(options.attempts ?? 5, verdict.attempts ?? Infinity)) throw error;
    if (verdict.after !== undefined && verdict.after > this.#patience) throw error;
    this.#left -= 1;
    const pause = this.#pause(attempt, verdict.after);
    options.onRetry?.(error, pause);
    if (verdict.after !== undefined) this.#heldUntil = Math.max(this.#heldUntil, this.#now() + pause);
    await this.#sleep(pause);
  }

  #pause(attempt: number, after: number | undefined): number {
    const jitter = this.#random() * Math.min(this.#ceiling, this.#base * 2 ** (attempt - 1));
    return Math.round(after === undefined ? jitter : after + this.#random() * this.#base);
  }
}

/**
 * Returns the pause that a `Retry-After` header asks for, in milliseconds: seconds or an HTTP date.
 *
 * https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function parseRetryAfter(header: string | undefined, now: number = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
