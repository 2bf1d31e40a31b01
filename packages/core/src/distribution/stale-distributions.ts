import { downstreamOf, type StorageSettings } from '../configuration/storage.ts';
import type { Digest } from '../image/digest.ts';
import type { Repository } from '../registry/repository.ts';
import { tryFindImage } from './published-distribution.ts';

/** The distributions that contain one, each list in the order in which they are to be rebuilt. */
export interface Downstream {
  /** Those whose published images contain another image of it. */
  readonly stale: readonly string[];
  /** All that are published: one whose image is right may still not run it. */
  readonly published: readonly string[];
}

/**
 * Returns the downstream distributions, and those of them whose published images contain another image of this distribution than `digest`.
 * One that was never published is not stale: its first build is to come.
 * One that is there and cannot be read is: its build makes it anew.
 * Without a digest, which an image has that is still to be built, all of them are.
 */
export async function findDownstream(
  settings: StorageSettings,
  distribution: string,
  digest: Digest | undefined,
  images: Repository,
): Promise<Downstream> {
  const stale: string[] = [];
  const published: string[] = [];
  for (const { name, tag } of downstreamOf(settings, distribution)) {
    const { image, unreadable } = await tryFindImage(images, tag);
    if (image === undefined && unreadable === undefined) continue;
    published.push(name);
    const contained = image?.labels?.upstreams.find((upstream) => upstream.name === distribution);
    if (digest === undefined || contained?.digest !== digest) stale.push(name);
  }
  return { stale, published };
}
