/** Work that waits for its time in the cluster; a second of the cluster is `scale` seconds of ours. */
export class Schedule {
  readonly #scale: number;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #closed = false;

  constructor(scale: number) {
    this.#scale = scale;
  }

  /** Runs `work` in `seconds` seconds of the cluster; a second call with the same key replaces the first. */
  after(key: string, seconds: number, work: () => Promise<void> | void): void {
    if (this.#closed) return;
    clearTimeout(this.#timers.get(key));
    const timer = setTimeout(
      () => {
        this.#timers.delete(key);
        void Promise.resolve().then(work);
      },
      seconds * 1000 * this.#scale,
    );
    this.#timers.set(key, timer);
  }

  /** Like `after`, but what waits already keeps its time. */
  soon(key: string, seconds: number, work: () => Promise<void> | void): void {
    if (!this.#timers.has(key)) this.after(key, seconds, work);
  }

  cancel(key: string): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
