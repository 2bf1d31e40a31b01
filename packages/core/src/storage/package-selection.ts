import { ConfigurationError } from '../errors.ts';
import {
  comparePackageVersions,
  formatPackageVersion,
  isPackageName,
  isStrictVersion,
  type PackageTree,
  type PackageVersion,
  splitPackageVersion,
} from './package-version.ts';
import { findTree, listVersions, type Packages } from './packages.ts';

/** Which package versions somebody means: all, or some by `name-version`, by `name` for the newest, or taken apart. */
export type PackageSelection = 'all' | readonly (string | PackageVersion)[];

/** Returns `value` as a selection, or throws a ConfigurationError that names `origin` and the item that is wrong. */
export function parseSelection(value: unknown, origin: string): PackageSelection {
  if (value === 'all') return value;
  if (!Array.isArray(value)) throw refuse(`${origin} is neither 'all' nor a list of packages.`);
  if (value.length === 1 && value[0] === 'all') return 'all';
  if (value.length === 0) throw refuse(`${origin} names no package.`);
  return value.map((item: unknown) => {
    if (typeof item === 'string') return item;
    const { name, version } = (item ?? {}) as Partial<PackageVersion>;
    if (typeof name === 'string' && typeof version === 'string') return { name, version };
    throw refuse(`${origin}: ${JSON.stringify(item)} is no package; write "name-version" or {"name", "version"}.`);
  });
}

/** Returns the names whose versions must be read before the selection can be resolved. */
export function namesIn(selection: PackageSelection): readonly string[] | 'all' {
  if (selection === 'all') return 'all';
  return selection.flatMap((item) =>
    typeof item === 'string' ? [item, ...splitPackageVersion(item).map(({ name }) => name)] : [item.name],
  );
}

/**
 * Returns the package versions of a branch that a selection means, sorted, each once. Throws a ConfigurationError for
 * one that is not there, and for one that could mean two. One that is not there because it `isDone` is left out: what was
 * asked for has happened already.
 */
export function resolveSelection(
  selection: PackageSelection,
  packages: Packages,
  branch: string,
  isDone: (version: PackageVersion) => boolean,
): PackageTree[] {
  const found =
    selection === 'all'
      ? listVersions(packages)
      : selection.flatMap((item) =>
          typeof item === 'string'
            ? resolveText(item, packages, branch, isDone)
            : resolveVersion(item, packages, branch, isDone),
        );
  const distinct = new Map(found.map((version) => [`${version.name}/${version.version}`, version]));
  return [...distinct.values()].sort(comparePackageVersions);
}

function resolveText(
  text: string,
  packages: Packages,
  branch: string,
  isDone: (version: PackageVersion) => boolean,
): PackageTree[] {
  const newest = listVersions(packages).findLast(({ name }) => name === text);
  const splits = splitPackageVersion(text);
  const there = splits.flatMap((split) => {
    const tree = findTree(packages, split);
    return tree === undefined ? [] : [{ ...split, tree }];
  });
  const [found, another] = newest === undefined ? there : [newest, ...there];
  if (found === undefined) {
    if (splits.some(isDone)) return [];
    const [split] = splits;
    throw split === undefined ? missing(`the package '${text}'`, branch) : missing(formatPackageVersion(split), branch);
  }
  if (another !== undefined) {
    throw refuse(
      `'${text}' could be ${found.version} of '${found.name}' or ${another.version} of '${another.name}', for '${branch}' ` +
        'holds both. Say which: [{"name": …, "version": …}].',
    );
  }
  return [checkName(found)];
}

function resolveVersion(
  wanted: PackageVersion,
  packages: Packages,
  branch: string,
  isDone: (version: PackageVersion) => boolean,
): PackageTree[] {
  if (!isStrictVersion(wanted.version)) {
    throw refuse(
      `'${wanted.version}' of '${wanted.name}' is no strict semantic version; write it as 1.2.3, without v.`,
    );
  }
  const tree = findTree(packages, wanted);
  if (tree !== undefined) return [checkName({ name: wanted.name, version: wanted.version, tree })];
  if (isDone(wanted)) return [];
  throw missing(formatPackageVersion(wanted), branch);
}

function checkName(found: PackageTree): PackageTree {
  if (isPackageName(found.name)) return found;
  throw refuse(`'${found.name}' is no name of a package: small letters, digits, '-' and '_', 63 at the most.`);
}

function missing(what: string, branch: string): ConfigurationError {
  return refuse(`The branch '${branch}' does not hold ${what}.`);
}

function refuse(message: string): ConfigurationError {
  return new ConfigurationError('invalid-packages', message);
}
