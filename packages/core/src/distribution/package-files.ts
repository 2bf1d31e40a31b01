import { ConfigurationError } from '../errors.ts';
import { isStrictVersion, type PackageTree } from '../storage/package-version.ts';
import { hasWhiteout } from '../storage/whiteout.ts';
import type { GitTree } from './git-tree.ts';

/** A file of a package. */
export interface PackageFile {
  /** From the directory of the packages: `log/1.0.0/manifest.yml`. */
  readonly path: string;
  readonly mode: '100644' | '100755';
  /** Git's blob id of its content. */
  readonly id: string;
  /** Bytes. */
  readonly size: number;
}

/** Everything below one name in the directory of the packages. */
export interface PackageName {
  readonly name: string;
  /** Git's id of the directory, or of the file when a file stands there. */
  readonly id: string;
  /** Sorted by path. */
  readonly files: readonly PackageFile[];
}

/** The directory `packages` of a branch, or the one of a distribution in an image. */
export interface PackageDirectory {
  /** Sorted by name. */
  readonly names: readonly PackageName[];
}

/** Where a branch keeps its packages. */
export const PACKAGES = 'packages';

/**
 * Returns the packages of a commit, none when it has no such directory. Throws a ConfigurationError for symlinks and
 * submodules: a registry would follow the one out of its packages, and has nothing to serve of the other.
 */
export function readPackageDirectory({ files, directories }: GitTree): PackageDirectory {
  const names = new Map<string, PackageName & { files: PackageFile[] }>();
  for (const { path, mode, id, size } of files) {
    if (path === PACKAGES) {
      throw new ConfigurationError('unsupported-file', `${path} is no directory. Commit the packages below ${path}/.`);
    }
    if (!path.startsWith(`${PACKAGES}/`)) continue;
    checkLayerPath(path, path);
    if (mode !== '100644' && mode !== '100755') {
      const what = mode === '120000' ? 'a symlink' : 'a submodule';
      throw new ConfigurationError('unsupported-file', `${path} is ${what}. Commit the files themselves.`);
    }
    const inside = path.slice(PACKAGES.length + 1);
    const [name = ''] = inside.split('/');
    const known = names.get(name) ?? {
      name,
      id: directories.get(`${PACKAGES}/${name}`) ?? `${mode} ${id}`,
      files: [],
    };
    names.set(name, known);
    known.files.push({ path: inside, mode, id, size });
  }
  return { names: [...names.values()] };
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

/** Lists the package versions among the ids of a commit's directories. */
export function listPackageVersions(directories: GitTree['directories']): VersionList {
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
