import { ConfigurationError } from '../errors.ts';
import { isStrictVersion, type PackageTree } from '../storage/package-version.ts';
import { hasWhiteout } from '../storage/whiteout.ts';
import type { FileSource } from './file-source.ts';
import { type GitFile, type GitTree, sortByPath } from './git-tree.ts';
import type { PackageUnit } from './package-plan.ts';

/** Where the files of packages come from: a branch, or an image. */
export interface PackageSource {
  /** Gets the files of package versions ready, so that it is done once for all of them. */
  load(units: readonly PackageUnit[]): Promise<void>;
  /** Returns the files of package versions that were loaded, as a branch holds them. */
  listPackages(units: readonly PackageUnit[]): Promise<readonly GitFile[]>;
  readonly blobs: FileSource;
}

/** Where a branch keeps its packages. */
export const PACKAGES = 'packages';

/**
 * Returns what the directory of the packages is made of: package versions, and files that stand beside them. None when
 * there is no such directory. Throws a ConfigurationError for what cannot be packed.
 */
export function listPackageUnits({ files, directories }: GitTree): PackageUnit[] {
  const units: PackageUnit[] = [];
  for (const { path, mode, id } of files) {
    if (path === PACKAGES) {
      throw new ConfigurationError('unsupported-file', `${path} is no directory. Commit the packages below ${path}/.`);
    }
    if (!path.startsWith(`${PACKAGES}/`) || path.split('/').length > 3) continue;
    checkPackageFile({ path, mode, id });
    units.push({ path: path.slice(PACKAGES.length + 1), id: `${mode} ${id}` });
  }
  for (const [path, id] of directories) {
    if (!path.startsWith(`${PACKAGES}/`) || path.split('/').length !== 3) continue;
    checkLayerPath(path, path);
    units.push({ path: path.slice(PACKAGES.length + 1), id });
  }
  return sortByPath(units, ({ path }) => path);
}

/**
 * Throws a ConfigurationError for symlinks and submodules: a registry would follow the one out of its packages, and has
 * nothing to serve of the other.
 */
export function checkPackageFile({ path, mode }: GitFile): void {
  checkLayerPath(path, path);
  if (mode === '100644' || mode === '100755') return;
  const what = mode === '120000' ? 'a symlink' : 'a submodule';
  throw new ConfigurationError('unsupported-file', `${path} is ${what}. Commit the files themselves.`);
}

/** What is read in the place of bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd';

/**
 * Throws a ConfigurationError for a name that engines take for the removal of another file, and for one that is not
 * UTF-8, for several of those are read as the same one; `place` says where it stands.
 */
export function checkLayerPath(path: string, place: string): void {
  const problem = hasWhiteout(path)
    ? "in the layers of an image a name that begins with '.wh.' removes another file"
    : path.includes(REPLACEMENT)
      ? `its name is not UTF-8 (${REPLACEMENT} stands for what cannot be read)`
      : undefined;
  if (problem !== undefined) throw new ConfigurationError('unsupported-file', `${place}: ${problem}. Rename it.`);
}

/** What a package registry finds in a directory of packages. */
export interface VersionList {
  readonly versions: readonly PackageTree[];
  /** Directories that a registry passes over: their names are no strict semantic versions. */
  readonly skipped: readonly string[];
}

/** What was listed: a build asks for the same commit several times, and there are tens of thousands of versions. */
const listed = new WeakMap<GitTree['directories'], VersionList>();

/** Lists the package versions among the ids of a commit's directories. */
export function listPackageVersions(directories: GitTree['directories']): VersionList {
  const list = listed.get(directories) ?? readPackageVersions(directories);
  listed.set(directories, list);
  return list;
}

function readPackageVersions(directories: GitTree['directories']): VersionList {
  const versions: PackageTree[] = [];
  const skipped: string[] = [];
  for (const [path, tree] of directories) {
    const [root, name, version, ...rest] = path.split('/');
    if (root !== PACKAGES || name === undefined || version === undefined || rest.length > 0) continue;
    if (isStrictVersion(version)) versions.push({ name, version, tree });
    else skipped.push(path);
  }
  return { versions, skipped };
}
