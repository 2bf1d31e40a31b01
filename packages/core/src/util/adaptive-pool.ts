const LEAST = 2;
const MOST = 16;

/** Milliseconds between two looks at how fast it goes. */
const WINDOW = 500;

/** What the number of failures and the number of bytes were at some moment. */
export interface Pulse {
  /** Bytes that were moved since the beginning. */
  readonly bytes: number;
  /** How often the other side wanted less: 429, 5xx, lost connections. */
  readonly strains: number;
}

interface Waiting {
  readonly weight: number;
  readonly begin: () => void;
}

/**
 * Runs operations at once, the heaviest first, and finds out how many at once are best.
 *
 * One more as long as that makes it faster by a tenth, one less when it did not, half of them when the other side shows
 * strain (https://en.wikipedia.org/wiki/Additive_increase/multiplicative_decrease); never fewer than 2 or more than 16.
 * What counts is what was measured while others waited: an empty queue says nothing about the limit.
 */
export class AdaptivePool {
  readonly #pulse: () => Pulse;
  readonly #now: () => number;
  readonly #waiting: Waiting[] = [];
  #size: number;
  #running = 0;
  #seen: Pulse & { readonly at: number };
  /** Bytes a second before the last change. */
  #speed = 0;
  #direction: 1 | -1 = 1;

  /** `size` is where it begins. */
  constructor(pulse: () => Pulse, size = 6, now: () => number = Date.now) {
    this.#pulse = pulse;
    this.#size = size;
    this.#now = now;
    this.#seen = { ...pulse(), at: now() };
  }

  /** How many run at once now, at the most. */
  get size(): number {
    return this.#size;
  }

  async run<T>(weight: number, operation: () => Promise<T>): Promise<T> {
    if (this.#running < this.#size && this.#waiting.length === 0) this.#running += 1;
    else await new Promise<void>((begin) => this.#enqueue({ weight, begin }));
    try {
      return await operation();
    } finally {
      this.#running -= 1;
      this.#adapt();
      this.#start();
    }
  }

  #enqueue(one: Waiting): void {
    // Equal weights keep the order in which they came.
    let low = 0;
    for (let high = this.#waiting.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((this.#waiting[middle]?.weight ?? 0) >= one.weight) low = middle + 1;
      else high = middle;
    }
    this.#waiting.splice(low, 0, one);
    this.#start();
  }

  #start(): void {
    while (this.#running < this.#size) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#running += 1;
      next.begin();
    }
  }

  #adapt(): void {
    const now = this.#now();
    const elapsed = now - this.#seen.at;
    if (elapsed < WINDOW) return;
    const { bytes, strains } = this.#pulse();
    const speed = ((bytes - this.#seen.bytes) / elapsed) * 1000;
    const strained = strains > this.#seen.strains;
    this.#seen = { bytes, strains, at: now };
    if (strained) {
      this.#size = Math.max(LEAST, Math.floor(this.#size / 2));
      this.#speed = 0;
      this.#direction = 1;
      return;
    }
    if (this.#waiting.length === 0) return;
    if (speed < this.#speed * 1.1) this.#direction = this.#direction === 1 ? -1 : 1;
    this.#speed = speed;
    this.#size = Math.min(MOST, Math.max(LEAST, this.#size + this.#direction));
  }
}
