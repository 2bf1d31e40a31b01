/** Remembers since when something has been seen, look after look without a gap. */
export class Sightings {
  #since = new Map<string, number>();

  /**
   * Takes down what is seen `now` (milliseconds) and returns for how long each has been seen; what is not among `keys`
   * is forgotten.
   */
  note(keys: readonly string[], now: number): ReadonlyMap<string, number> {
    this.#since = new Map(keys.map((key) => [key, this.#since.get(key) ?? now]));
    return new Map([...this.#since].map(([key, since]) => [key, now - since]));
  }
}
