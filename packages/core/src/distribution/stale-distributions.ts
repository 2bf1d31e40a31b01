import { downstreamOf, type StorageSettings } from '../configuration/storage.ts';
import type { Digest } from '../image/digest.ts';
import type { Repository } from '../registry/repository.ts';
import { tryFindImage } from './published-distribution.ts';

/**
 * Returns the downstream distributions whose published images contain another image of this distribution than `digest`,
 * in the order in which they are to be rebuilt. One that was never published is not stale: its first build is to come.
 * One that is there and cannot be read is: its build makes it anew.
 * Without a digest, which an image has that is still to be built, all of them are.
 */
export async function findStale(
  settings: StorageSettings,
  distribution: string,
  digest: Digest | undefined,
  images: Repository,
): Promise<string[]> {
  const stale: string[] = [];
  for (const { name, tag } of downstreamOf(settings, distribution)) {
    const { image, unreadable } = await tryFindImage(images, tag);
    if (image === undefined && unreadable === undefined) continue;
    const contained = image?.labels?.upstreams.find((upstream) => upstream.name === distribution);
    if (digest === undefined || contained?.digest !== digest) stale.push(name);
  }
  return stale;
}
