import type { ChainPlace } from './chain-place.ts';
import { type ReleaseEnd, readReleaseEnd } from './release-end.ts';
import { readStorageEnd, type StorageEnd } from './storage-end.ts';

/** What the chain leaves behind in every store, without what two equal runs differ in: times, ids, numbers of runs. */
export interface EndState {
  readonly release: ReleaseEnd;
  readonly storage: StorageEnd;
}

/** Reads everything that the chain has left behind, in both repositories; `pullRequest` is the one that releases. */
export async function readEndState(place: ChainPlace, pullRequest: number): Promise<EndState> {
  const [release, storage] = await Promise.all([readReleaseEnd(place, pullRequest), readStorageEnd(place)]);
  return { release, storage };
}
