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

/**
 * How many operations may use one host at once, which it finds out.
 *
 * One more as long as that makes it faster by a tenth, one less when it did not, half of them when the host shows
 * strain (https://en.wikipedia.org/wiki/Additive_increase/multiplicative_decrease); never fewer than 2 or more than 16.
 * What counts is what was measured while others waited for this host: where nobody waits, the limit changes nothing.
 */
export class AdaptiveLimit {
  readonly #pulse: () => Pulse;
  readonly #now: () => number;
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

  get hasRoom(): boolean {
    return this.#running < this.#size;
  }

  /** One more begins. */
  enter(): void {
    this.#running += 1;
  }

  /** One has ended; `waited` tells whether others wait for a place. */
  leave(waited: boolean): void {
    const isFull = !this.hasRoom;
    this.#running -= 1;
    this.#adapt(waited && isFull);
  }

  #adapt(limits: boolean): void {
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
    if (!limits) return;
    if (speed < this.#speed * 1.1) this.#direction = this.#direction === 1 ? -1 : 1;
    this.#speed = speed;
    this.#size = Math.min(MOST, Math.max(LEAST, this.#size + this.#direction));
  }
}

interface Waiting {
  readonly weight: number;
  readonly limits: readonly AdaptiveLimit[];
  readonly begin: () => void;
}

/**
 * Runs operations at once, the heaviest first, each as soon as all hosts that it uses have room: one that waits for a slow
 * host does not stop those that do not need it.
 */
export class AdaptivePool {
  readonly #waiting: Waiting[] = [];

  /** Runs `operation` when every one of `limits` has room; a limit that is named twice counts once. */
  async run<T>(weight: number, limits: Iterable<AdaptiveLimit>, operation: () => Promise<T>): Promise<T> {
    const wanted = [...new Set(limits)];
    await new Promise<void>((begin) => this.#enqueue({ weight, limits: wanted, begin }));
    try {
      return await operation();
    } finally {
      for (const limit of wanted) limit.leave(this.#waiting.some(({ limits: others }) => others.includes(limit)));
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
    for (let at = 0; at < this.#waiting.length; ) {
      const next = this.#waiting[at];
      if (next?.limits.every(({ hasRoom }) => hasRoom) === true) {
        for (const limit of next.limits) limit.enter();
        this.#waiting.splice(at, 1);
        next.begin();
      } else {
        at += 1;
      }
    }
  }
}
