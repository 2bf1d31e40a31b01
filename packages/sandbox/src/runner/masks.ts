/** The secrets of a job; whatever leaves it shows `***` in their place. */
export class Masks {
  readonly #texts = new Set<string>();

  /**
   * Adds a secret. Of one with several lines every line is a secret too, for a log is read by lines; so is its form
   * inside JSON.
   */
  add(secret: string): void {
    for (const text of [secret, ...secret.split(/\r?\n/)]) {
      if (text.trim() === '') continue;
      this.#texts.add(text);
      this.#texts.add(JSON.stringify(text).slice(1, -1));
    }
  }

  apply(text: string): string {
    // The longest first: a secret may be part of another one.
    const texts = [...this.#texts].sort((a, b) => b.length - a.length);
    return texts.reduce((masked, secret) => masked.replaceAll(secret, '***'), text);
  }

  applyToValues(record: Readonly<Record<string, string>>): Record<string, string> {
    return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, this.apply(value)]));
  }
}
