/** Requests an hour of one token. @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api */
const limit = 15_000;
const hour = 3600;

/** Counts requests and says so in headers; the sandbox refuses nobody, so the count never reaches zero. */
export class RateLimit {
  readonly #windows = new Map<string, { reset: number; used: number }>();

  /** Counts a request of `who` at `seconds` since 1970; `cost` 0 only reports. */
  count(who: string, seconds: number, cost: 0 | 1): Record<string, string> {
    let window = this.#windows.get(who);
    if (window === undefined || window.reset <= seconds) {
      window = { reset: seconds + hour, used: 0 };
      this.#windows.set(who, window);
    }
    window.used = Math.min(window.used + cost, limit - 1);
    return {
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-remaining': String(limit - window.used),
      'x-ratelimit-used': String(window.used),
      'x-ratelimit-reset': String(window.reset),
      'x-ratelimit-resource': 'core',
    };
  }
}
