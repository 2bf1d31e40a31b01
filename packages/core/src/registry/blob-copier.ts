import type { Digest } from '../image/digest.ts';
import type { Descriptor } from '../image/manifest.ts';
import { Pool } from '../util/pool.ts';
import type { Repository } from './repository.ts';

/** How a blob came to the target: it was there, it was mounted from a neighbour, or its bytes were moved. */
export type BlobRoad = 'present' | 'mounted' | 'streamed';

/**
 * Brings blobs to repositories of a target registry by the cheapest road: already there, mountable from another of its
 * repositories, else streamed. A blob that several images share is moved once, however many copies run at once: the
 * later ones wait for the first and mount its result.
 */
export class BlobCopier {
  readonly #pool: Pool;
  /** The repositories of a registry in which a blob is known to be, or will be soon; keyed by registry and digest. */
  readonly #homes = new Map<string, Promise<string | undefined>>();
  /** Copies under way or done, keyed by repository and digest. */
  readonly #copies = new Map<string, { readonly source: string; readonly road: Promise<BlobRoad> }>();

  /** `concurrency` blobs are on the way at once; more than 4 to 8 do not make registries faster. */
  constructor(concurrency = 6) {
    this.#pool = new Pool(concurrency);
  }

  /** Brings one blob over; throws what reading or writing throws. A failed copy can be asked for again. */
  copy(descriptor: Descriptor, source: Repository, target: Repository): Promise<BlobRoad> {
    const key = `${target}@${descriptor.digest}`;
    const running = this.#copies.get(key);
    if (running !== undefined) {
      return running.road.then(
        () => 'present',
        (error: unknown) => {
          // Another source may have what that one has not.
          if (running.source === `${source}`) throw error;
          return this.copy(descriptor, source, target);
        },
      );
    }
    const road = this.#copyOnce(descriptor, source, target);
    this.#copies.set(key, { source: `${source}`, road });
    road.catch(() => this.#copies.delete(key));
    return road;
  }

  async #copyOnce(descriptor: Descriptor, source: Repository, target: Repository): Promise<BlobRoad> {
    const homeKey = `${target.registry.name}@${descriptor.digest}`;
    const home = this.#homes.get(homeKey);
    const copy = this.#bring(descriptor, source, target, home);
    if (home === undefined) {
      this.#homes.set(
        homeKey,
        copy.then(
          () => target.name,
          () => {
            this.#homes.delete(homeKey);
            return undefined;
          },
        ),
      );
    }
    return copy;
  }

  async #bring(
    descriptor: Descriptor,
    source: Repository,
    target: Repository,
    home: Promise<string | undefined> | undefined,
  ): Promise<BlobRoad> {
    // Waiting happens outside the pool: a place that only waits would be a place that moves nothing.
    const neighbour = await home;
    return this.#pool.run(async () => {
      if (await target.hasBlob(descriptor.digest)) return 'present';
      const from = neighbour ?? sameRegistry(source, target);
      if (from !== undefined && (await target.mountBlob(descriptor.digest, from))) return 'mounted';
      await target.putBlob(descriptor, source.blob(descriptor));
      return 'streamed';
    });
  }
}

function sameRegistry(source: Repository, target: Repository): string | undefined {
  return source.registry.name === target.registry.name && source.name !== target.name ? source.name : undefined;
}

/** Returns each digest once, the largest blob first: the longest transfer should not be the last to start. */
export function planBlobs(descriptors: readonly Descriptor[]): Descriptor[] {
  const unique = new Map<Digest, Descriptor>(descriptors.map((descriptor) => [descriptor.digest, descriptor]));
  return [...unique.values()].sort((a, b) => b.size - a.size);
}
