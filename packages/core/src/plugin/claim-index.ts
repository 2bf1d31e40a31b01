import type { PluginFile } from './plugin-file.ts';

/** A plugin's wish to have something to itself: a slot of the user interface, or a port. */
export interface Claim<F> {
  readonly file: F;
  /** Where in the file it says so. */
  readonly pointer: string;
}

/** Who claims what. Built once, so that finding the conflicts of one file costs no look at all the others. */
export class ClaimIndex<F extends Pick<PluginFile, 'place' | 'spec'>> {
  readonly #slots = new Map<string, Claim<F>[]>();
  readonly #ports = new Map<number, Claim<F>[]>();

  constructor(files: Iterable<F>) {
    for (const file of files) {
      if (file.place.kind !== 'plugin') continue;
      for (const [slot, pointer] of file.spec.slots) add(this.#slots, slot, { file, pointer });
      const { port } = file.spec;
      if (port !== undefined) add(this.#ports, port.value, { file, pointer: port.pointer });
    }
  }

  ofSlot(slot: string): readonly Claim<F>[] {
    return this.#slots.get(slot) ?? [];
  }

  ofPort(port: number): readonly Claim<F>[] {
    return this.#ports.get(port) ?? [];
  }
}

function add<K, F>(index: Map<K, Claim<F>[]>, key: K, claim: Claim<F>): void {
  const claims = index.get(key);
  if (claims === undefined) index.set(key, [claim]);
  else claims.push(claim);
}
