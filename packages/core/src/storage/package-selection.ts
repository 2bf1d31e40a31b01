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

/** The package versions that a selection means. */
export interface Resolved {
  /** Those on the branch, sorted, each once. */
  readonly wanted: readonly PackageTree[];
  /** Those that are not there any more, because what was asked for has happened already. */
  readonly done: readonly PackageVersion[];
}

/**
 * Returns the package versions of a branch that a selection means. Throws a ConfigurationError for one that is not there,
 * and for one that could mean two. One that is not there, but in one of `further`, is done.
 */
export function resolveSelection(
  selection: PackageSelection,
  packages: Packages,
  branch: string,
  further: readonly Packages[],
): Resolved {
  if (selection === 'all') return { wanted: listVersions(packages), done: [] };
  const found = selection.map((item) =>
    typeof item === 'string'
      ? resolveText(item, packages, branch, further)
      : resolveVersion(item, packages, branch, further),
  );
  const wanted = found.flatMap(({ name, version, tree }) => (tree === undefined ? [] : [{ name, version, tree }]));
  const done = found.flatMap(({ name, version, tree }) => (tree === undefined ? [{ name, version }] : []));
  return { wanted: distinct(wanted), done: distinct(done) };
}

/** What one item means; without a tree it is done. */
interface Found extends PackageVersion {
  readonly tree: string | undefined;
}

function distinct<V extends PackageVersion>(versions: readonly V[]): V[] {
  const byPath = new Map(versions.map((version) => [`${version.name}/${version.version}`, version]));
  return [...byPath.values()].sort(comparePackageVersions);
}

function resolveText(text: string, packages: Packages, branch: string, further: readonly Packages[]): Found {
  const newest = listVersions(packages).findLast(({ name }) => name === text);
  const splits = splitPackageVersion(text);
  const there = splits.flatMap((split) => {
    const tree = findTree(packages, split);
    return tree === undefined ? [] : [{ ...split, tree }];
  });
  const [found, another] = newest === undefined ? there : [newest, ...there];
  if (found === undefined) {
    const done = findDone(text, splits, further);
    if (done !== undefined) return { ...done, tree: undefined };
    const [split] = splits;
    throw split === undefined ? missing(`the package '${text}'`, branch) : missing(formatPackageVersion(split), branch);
  }
  if (another !== undefined) {
    throw refuse(
      `'${text}' could be ${found.version} of '${found.name}' or ${another.version} of '${another.name}', for '${branch}' ` +
        'holds both. Say which: [{"name": …, "version": …}].',
    );
  }
  return checkName(found);
}

/** Returns what a text means where it has been brought already, the newest of a name as well. */
function findDone(
  text: string,
  splits: readonly PackageVersion[],
  further: readonly Packages[],
): PackageVersion | undefined {
  const newest = further
    .flatMap(listVersions)
    .filter(({ name }) => name === text)
    .sort(comparePackageVersions)
    .at(-1);
  if (newest === undefined) return splits.find((split) => isHeld(split, further));
  return { name: newest.name, version: newest.version };
}

function isHeld(version: PackageVersion, further: readonly Packages[]): boolean {
  return further.some((packages) => findTree(packages, version) !== undefined);
}

function resolveVersion(
  wanted: PackageVersion,
  packages: Packages,
  branch: string,
  further: readonly Packages[],
): Found {
  if (!isStrictVersion(wanted.version)) {
    throw refuse(
      `'${wanted.version}' of '${wanted.name}' is no strict semantic version; write it as 1.2.3, without v.`,
    );
  }
  const tree = findTree(packages, wanted);
  if (tree !== undefined) return checkName({ name: wanted.name, version: wanted.version, tree });
  if (isHeld(wanted, further)) return { ...wanted, tree: undefined };
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
