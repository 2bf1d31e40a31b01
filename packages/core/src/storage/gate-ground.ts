import type { PullRequest } from '../github/pull-request.ts';
import type { Digest } from '../image/digest.ts';
import type { Repository } from '../registry/repository.ts';
import { type Heads, readHeads } from './proposal.ts';
import type { StorageRepository } from './storage-repository.ts';

/** What a verdict rests on besides commits and images, which never change: when it has moved, another may be due. */
export interface Ground {
  readonly pull: Pick<PullRequest, 'number' | 'headSha' | 'baseRef' | 'title'>;
  /** The branches that were looked at. */
  readonly heads: Heads;
  /** What the tags pointed to that were looked at, undefined for those that were not there. */
  readonly images: ReadonlyMap<string, Digest | undefined>;
}

/** Says whether something that a verdict rests on is another now; `open` is what the pull requests are now. */
export async function hasMoved(
  storage: StorageRepository,
  { pull, heads, images }: Ground,
  open: readonly PullRequest[],
  openImages: () => Promise<Repository>,
): Promise<boolean> {
  const now = open.find(({ number }) => number === pull.number);
  if (now?.headSha !== pull.headSha || now.baseRef !== pull.baseRef || now.title !== pull.title) return true;
  const headsNow = await readHeads(storage, [...heads.keys()]);
  if ([...heads].some(([branch, head]) => headsNow.get(branch) !== head)) return true;
  for (const [tag, digest] of images) {
    const tagged = await (await openImages()).head(tag);
    if (tagged?.digest !== digest) return true;
  }
  return false;
}
