/**
 * Lets at most `size` operations run at once; the others wait in the order they came.
 */
export class Pool {
  readonly #size: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(size: number) {
    this.#size = size;
  }

  async run<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#running < this.#size) this.#running += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await operation();
    } finally {
      const next = this.#waiting.shift();
      // The place is handed over, not given back: nobody who comes now may overtake the one who waits.
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

/**
 * Runs `operation` on every item, at most `size` at once, and returns the results in the items' order.
 *
 * The first failure is thrown, but only after everything that had started has ended: nothing goes on working behind
 * the caller's back. Items that had not started by then are left alone.
 */
export async function mapPooled<T, R>(
  items: readonly T[],
  size: number,
  operation: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  const failures: unknown[] = [];
  const entries = items.entries();
  const work = async (): Promise<void> => {
    for (const [index, item] of entries) {
      if (failures.length > 0) return;
      try {
        results[index] = await operation(item, index);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(size, items.length) }, work));
  if (failures.length > 0) throw failures[0];
  return results;
}
