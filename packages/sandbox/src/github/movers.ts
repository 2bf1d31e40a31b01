import type { Sender } from './event-bus.ts';

/**
 * Remembers who moved which branch where. Pull requests follow their branches whenever somebody looks, and what follows
 * from a push is the doing of who has pushed, not of who has looked.
 */
export class Movers {
  readonly #known = new Map<string, Sender>();

  /** `oid` null: the branch was deleted. To be told before the branch moves. */
  note(repository: string, ref: string, oid: string | null, sender: Sender): void {
    this.#known.set(key(repository, ref, oid), sender);
  }

  /** Who moved a branch to where it is; undefined where nobody did through the server. */
  who(repository: string, ref: string, oid: string | null): Sender | undefined {
    return this.#known.get(key(repository, ref, oid));
  }
}

const key = (repository: string, ref: string, oid: string | null): string =>
  `${repository.toLowerCase()}\n${ref}\n${oid ?? ''}`;
