import type { Distribution, StorageSettings } from '../configuration/storage.ts';
import { ActionError, ConfigurationError } from '../errors.ts';
import type { Repository } from '../registry/repository.ts';
import type { BranchStore } from './branch-store.ts';
import { tryFindImage } from './published-distribution.ts';

/** What a build is going to look at. */
export interface ExpectedBuild {
  readonly distribution: Distribution;
  readonly settings: StorageSettings;
  readonly commit: string;
}

/**
 * Fetches the upper directories of all commits that a build is going to compare: its own, and those that the current images
 * of the distribution and of its upstreams were built from. One after the other each of them would take as many round trips
 * as all of them do together.
 *
 * Only a help: what cannot be read now is found out again, and told, by whoever needs it.
 */
export async function prefetchCommits(
  { distribution, settings, commit }: ExpectedBuild,
  images: Repository,
  store: BranchStore,
): Promise<void> {
  const shown = settings.distributions.filter(
    ({ name }) => name === distribution.name || distribution.upstream.includes(name),
  );
  const revisions = await Promise.all(shown.map(({ tag }) => readRevisions(images, tag)));
  await store.prefetch([...new Set([commit, ...revisions.flat()])]);
}

/** Returns the commits whose packages an image of ours holds; none of one that cannot be read. */
async function readRevisions(images: Repository, tag: string): Promise<string[]> {
  try {
    const { image } = await tryFindImage(images, tag);
    if (image?.labels === undefined) return [];
    const { revision, upstreams } = image.labels;
    return [revision, ...upstreams.flatMap((upstream) => upstream.revision ?? [])];
  } catch (error) {
    if (error instanceof ActionError || error instanceof ConfigurationError) return [];
    throw error;
  }
}
