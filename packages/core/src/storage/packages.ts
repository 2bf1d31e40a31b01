import { ConfigurationError } from '../errors.ts';
import type { TreeEntry, TreeMode } from '../github/git-data.ts';
import type { TreeReader } from '../github/tree-reader.ts';
import {
  comparePackageVersions,
  isPackageName,
  isStrictVersion,
  type PackageTree,
  type PackageVersion,
} from './package-version.ts';

/** Mode of a directory in a git tree. */
export const DIRECTORY: TreeMode = '040000';

/** Directory of the package versions, from the root of a storage branch. */
export const PACKAGES = 'packages';

/** What a storage branch holds at one commit, as far as it was asked for. */
export interface Packages {
  readonly commit: string;
  /** The entries of the commit's root. */
  readonly root: readonly TreeEntry[];
  /** The entries of `packages`. */
  readonly names: readonly TreeEntry[];
  /** The entries of `packages/<name>`, for each name that was asked for; none when it is no directory. */
  readonly versions: ReadonlyMap<string, readonly TreeEntry[]>;
}

/**
 * Reads what a storage branch holds at a commit: two trees, and one more for each of `names` that is there. The other
 * hundred thousand files of the branch are neither listed nor read.
 */
export async function readPackages(
  reader: TreeReader,
  commit: string,
  names: readonly string[] | 'all',
): Promise<Packages> {
  const root = await reader.read(commit);
  if (isBlocked(root)) {
    throw new ConfigurationError('invalid-storage', `At ${commit} \`${PACKAGES}\` is no directory. Make it one again.`);
  }
  const packages = root.find(({ path }) => path === PACKAGES);
  const entries = packages === undefined ? [] : await reader.read(packages.id);
  return addNames(reader, { commit, root, names: entries, versions: new Map() }, names);
}

/** Says whether something that is no directory stands where the package versions are. */
export function isBlocked(root: readonly TreeEntry[]): boolean {
  return root.some(({ path, mode }) => path === PACKAGES && mode !== DIRECTORY);
}

/** Returns `packages` with the versions of more names read. */
export async function addNames(
  reader: TreeReader,
  packages: Packages,
  names: readonly string[] | 'all',
): Promise<Packages> {
  const wanted = names === 'all' ? packages.names.map(({ path }) => path) : [...new Set(names)];
  const read = wanted.map(async (name): Promise<[string, readonly TreeEntry[]]> => {
    const entry = packages.names.find(({ path }) => path === name);
    return [name, entry?.mode === DIRECTORY ? await reader.read(entry.id) : []];
  });
  return { ...packages, versions: new Map([...packages.versions, ...(await Promise.all(read))]) };
}

/** Returns the tree of a package version; undefined when there is no such directory. Its name must have been read. */
export function findTree({ versions }: Packages, { name, version }: PackageVersion): string | undefined {
  const entry = versions.get(name)?.find(({ path }) => path === version);
  return entry?.mode === DIRECTORY ? entry.id : undefined;
}

/** Returns the package versions of all names that were read, sorted; directories with other names are none. */
export function listVersions({ versions }: Packages): PackageTree[] {
  return [...versions]
    .filter(([name]) => isPackageName(name))
    .flatMap(([name, entries]) =>
      entries
        .filter(({ path, mode }) => mode === DIRECTORY && isStrictVersion(path))
        .map(({ path, id }) => ({ name, version: path, tree: id })),
    )
    .sort(comparePackageVersions);
}
