import type { Distribution, StorageSettings } from '@slipway/core/configuration/storage';
import { findDistribution } from '@slipway/core/configuration/storage';
import { ConfigurationError } from '@slipway/core/errors';
import { isAncestor } from '@slipway/core/github/ancestry';
import { findBranchHead } from '@slipway/core/github/branch';
import { findTagCommit } from '@slipway/core/github/tag';
import { checkNotFrozen } from '@slipway/core/storage/direction';
import type { StorageRepository } from '@slipway/core/storage/storage-repository';
import type { Inputs } from './inputs.ts';

/** What is to be built. */
export interface Wanted {
  readonly distribution: Distribution;
  readonly commit: string;
}

/**
 * Finds out what is to be built: the head of a distribution's branch or an earlier commit of it, for nothing is built, and
 * no check run, that nobody has merged. A tag of git says the commit, and the branch it is on the distribution.
 */
export async function findWanted(
  { tag, commit, distribution }: Pick<Inputs, 'tag' | 'commit' | 'distribution'>,
  settings: StorageSettings,
  storage: StorageRepository,
): Promise<Wanted> {
  const tagged = tag === undefined ? undefined : await findTagged(tag, commit, storage);
  if (distribution !== undefined) {
    const found = findDistribution(settings, distribution);
    checkNotFrozen(found);
    return { distribution: found, commit: await chooseCommit(tagged ?? commit, storage, found.name) };
  }
  if (tagged === undefined) {
    throw new ConfigurationError('missing-input', "input 'distribution' is required where no tag is given.");
  }
  return { distribution: await findHolder(tagged, settings, storage), commit: tagged };
}

async function findTagged(tag: string, given: string | undefined, storage: StorageRepository): Promise<string> {
  const commit = await findTagCommit(storage.github, storage.name, tag);
  if (commit === undefined) {
    throw new ConfigurationError(
      'missing-tag',
      `${storage.name} has no tag '${tag}'. Push it first: git push origin ${tag}`,
    );
  }
  if (given === undefined || given === commit) return commit;
  throw new ConfigurationError(
    'tag-moved',
    `The tag '${tag}' of ${storage.name} points to ${commit} now, and not to ${given}. Run again for the commit that is meant.`,
  );
}

async function chooseCommit(given: string | undefined, storage: StorageRepository, branch: string): Promise<string> {
  const head = await findBranchHead(storage.github, storage.name, branch);
  if (head === undefined) {
    throw new ConfigurationError(
      'missing-branch',
      `${storage.name} has no branch '${branch}' for the distribution of that name.`,
    );
  }
  if (given === undefined || (await isAncestor(storage.github, storage.name, given, head))) return given ?? head;
  throw new ConfigurationError(
    'foreign-commit',
    `The commit ${given} is not on the branch '${branch}', whose head is ${head}. Merge it first.`,
  );
}

/** Returns the distribution whose branch holds a commit; throws where none does, or several. */
async function findHolder(
  commit: string,
  { distributions }: StorageSettings,
  storage: StorageRepository,
): Promise<Distribution> {
  const holders: Distribution[] = [];
  for (const distribution of distributions) {
    if (distribution.frozen) continue;
    const head = await findBranchHead(storage.github, storage.name, distribution.name);
    if (head !== undefined && (await isAncestor(storage.github, storage.name, commit, head)))
      holders.push(distribution);
  }
  const [holder, other] = holders;
  if (holder !== undefined && other === undefined) return holder;
  const names = (holder === undefined ? distributions : holders).map(({ name }) => name).join(', ');
  throw new ConfigurationError(
    holder === undefined ? 'foreign-commit' : 'ambiguous-tag',
    holder === undefined
      ? `The tagged commit ${commit} is on no branch of a distribution (${names}). Tag a commit that was merged.`
      : `The tagged commit ${commit} is on the branches ${names}. Say with the input 'distribution' whose image is meant.`,
  );
}
