import { ConfigurationError } from '../errors.ts';
import { formatPackageVersion, type PackageTree, type PackageVersion } from '../storage/package-version.ts';
import type { BranchStore } from './branch-store.ts';
import type { BuildContext } from './build-sources.ts';
import type { GitTree } from './git-tree.ts';
import { listPackageVersions } from './package-files.ts';
import type { PublishedDistribution } from './published-distribution.ts';

/** More are no better proof, and an output has a limit. */
const MOST = 1000;

/**
 * Returns the package versions that the branch holds now and did not when the distribution's current image was built: what
 * a registry must show after the rollout. None when that image is the first one, was not built by us, or was built from a
 * commit that is no more.
 */
export async function findAddedPackages(
  { branch }: BuildContext,
  current: PublishedDistribution | undefined,
  store: BranchStore,
): Promise<PackageVersion[]> {
  const revision = current?.labels?.revision;
  if (revision === undefined || revision === branch.commit) return [];
  const directories = await readKnown(revision, store);
  if (directories === undefined) return [];
  const before = treesByName(listPackageVersions(directories).versions);
  return listPackageVersions(branch.tree.directories)
    .versions.filter((version) => before.get(formatPackageVersion(version)) !== version.tree)
    .slice(0, MOST)
    .map(({ name, version }) => ({ name, version }));
}

async function readKnown(commit: string, store: BranchStore): Promise<GitTree['directories'] | undefined> {
  try {
    return await store.readDirectories(commit);
  } catch (error) {
    // History was written anew.
    if (error instanceof ConfigurationError && error.code === 'missing-commit') return undefined;
    throw error;
  }
}

function treesByName(versions: readonly PackageTree[]): ReadonlyMap<string, string> {
  return new Map(versions.map((version) => [formatPackageVersion(version), version.tree]));
}
