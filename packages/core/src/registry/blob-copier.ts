import type { Digest } from '../image/digest.ts';
import type { Descriptor } from '../image/manifest.ts';
import { AdaptiveLimit, AdaptivePool } from '../util/adaptive-pool.ts';
import { type Content, timeContent } from '../util/content.ts';
import { Pool } from '../util/pool.ts';
import type { Registry } from './registry.ts';
import type { Repository } from './repository.ts';
import { isSpoolDamage, type Spool } from './spool.ts';
import { type BlobRoad, StepClock, TransferStatistics } from './transfer-statistics.ts';
import type { UploadJournal } from './upload-journal.ts';

export type { BlobRoad } from './transfer-statistics.ts';

/** Blobs up to this size, bytes, are not looked up: the request that begins their upload asks as well. */
const SMALL = 4 * 1024 * 1024;

/** Blobs up to this size, bytes, cost a request and hardly anything else. */
const TINY = 64 * 1024;

/** Requests without content that are under way at once, beside the transfers. */
const LOOKUPS = 16;

interface Host {
  readonly limit: AdaptiveLimit;
  /** Sides of the job that use it; each has a Registry of its own. */
  readonly registries: Set<Registry>;
  /** Bytes that went from or to it. */
  bytes: number;
}

export interface BlobCopierOptions {
  /** Blobs on the way from or to one registry at once in the beginning; see AdaptiveLimit. */
  readonly concurrency?: number;
  readonly journal?: UploadJournal;
  /** Where blobs are kept for the next step, and found. */
  readonly spool?: Spool;
}

/**
 * Brings blobs to repositories of a target registry by the cheapest road: already there, mountable from another of its
 * repositories, else streamed, the largest first whatever image it belongs to. A blob that several images share is moved
 * once, however many copies run at once: the later ones wait for the first and mount its result.
 */
export class BlobCopier {
  readonly statistics = new TransferStatistics();
  readonly #options: BlobCopierOptions;
  readonly #lookups = new Pool(LOOKUPS);
  readonly #transfers = new AdaptivePool();
  /** How much each registry stands, by its name: one that is slow or refuses slows nobody else down. */
  readonly #hosts = new Map<string, Host>();
  /** Registries that refused to mount: there, the question comes with the upload. */
  readonly #reluctant = new Set<string>();
  /** The repositories of a registry in which a blob is known to be, or will be soon; keyed by registry and digest. */
  readonly #homes = new Map<string, Promise<string | undefined>>();
  /** Copies under way or done, keyed by repository and digest. */
  readonly #copies = new Map<string, { readonly source: string; readonly road: Promise<BlobRoad> }>();

  constructor(options: BlobCopierOptions = {}) {
    this.#options = options;
  }

  /** Runs questions about images, as many at once as about blobs: each one more is a connection more. */
  lookUp<T>(question: () => Promise<T>): Promise<T> {
    return this.#lookups.run(question);
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
    this.statistics.wanted += descriptor.size;
    const copy = this.#bring(descriptor, source, target, home);
    copy.then(
      (road) => this.statistics.end(descriptor, `${target}`, road),
      () => this.statistics.end(descriptor, `${target}`, undefined),
    );
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
    const { digest, size } = descriptor;
    const { name } = target.registry;
    // Waiting happens outside the pools: a place that only waits would be a place that moves nothing.
    const from = (await home) ?? sameRegistry(source, target);
    if (from !== undefined && !this.#reluctant.has(name)) {
      if (await this.#lookups.run(() => target.mountBlob(digest, from))) return 'mounted';
      this.#reluctant.add(name);
    }
    if (size > SMALL && (await this.#lookups.run(() => target.hasBlob(digest)))) return 'present';
    const hosts = [this.#hostOf(source.registry), this.#hostOf(target.registry)];
    const transfer = async (): Promise<BlobRoad> => {
      const clock = new StepClock();
      this.statistics.begin(digest, `${target}`, clock);
      const { journal } = this.#options;
      const question = size > SMALL ? from : (from ?? target.name);
      const content = () =>
        timeContent(this.#contentOf(descriptor, source), clock, (bytes) => {
          this.statistics.read += bytes;
          for (const host of new Set(hosts)) host.bytes += bytes;
        });
      const road = await this.#put(descriptor, content, target, {
        onPause: (milliseconds) => clock.add('retrying', milliseconds),
        ...(question !== undefined && { from: question }),
        ...(journal !== undefined && { journal }),
      });
      return road === 'mounted' && question === target.name ? 'present' : road;
    };
    return this.#transfers.run(
      weigh(size),
      hosts.map(({ limit }) => limit),
      transfer,
    );
  }

  async #put(
    descriptor: Descriptor,
    content: () => Content,
    target: Repository,
    options: Parameters<Repository['putBlob']>[2],
  ): Promise<'mounted' | 'streamed'> {
    try {
      return await target.putBlob(descriptor, content(), options);
    } catch (error) {
      // The damaged copy is gone by now.
      if (!isSpoolDamage(error)) throw error;
      return target.putBlob(descriptor, content(), options);
    }
  }

  #contentOf(descriptor: Descriptor, source: Repository): Content {
    const { spool } = this.#options;
    const remote = source.blob(descriptor);
    return spool === undefined ? remote : spool.prefer(descriptor, spool.tee(descriptor, remote));
  }

  #hostOf(registry: Registry): Host {
    let host = this.#hosts.get(registry.name);
    if (host === undefined) {
      const registries = new Set<Registry>();
      const made: Host = {
        bytes: 0,
        registries,
        limit: new AdaptiveLimit(
          () => ({
            bytes: this.#hosts.get(registry.name)?.bytes ?? 0,
            strains: [...registries].reduce((sum, { retries }) => sum + retries, 0),
          }),
          this.#options.concurrency,
        ),
      };
      host = made;
      this.#hosts.set(registry.name, host);
    }
    host.registries.add(registry);
    return host;
  }
}

function sameRegistry(source: Repository, target: Repository): string | undefined {
  return source.registry.name === target.registry.name && source.name !== target.name ? source.name : undefined;
}

/**
 * The largest first, whatever image they belong to; but sizes within a factor of two keep their order, and configurations
 * go at once, so that image after image is complete and gets its tag.
 */
function weigh(size: number): number {
  return size <= TINY ? Number.POSITIVE_INFINITY : Math.floor(Math.log2(size));
}

/** Returns each digest once, the largest blob first: the longest transfer should not be the last to start. */
export function planBlobs(descriptors: readonly Descriptor[]): Descriptor[] {
  const unique = new Map<Digest, Descriptor>(descriptors.map((descriptor) => [descriptor.digest, descriptor]));
  return [...unique.values()].sort((a, b) => b.size - a.size);
}
