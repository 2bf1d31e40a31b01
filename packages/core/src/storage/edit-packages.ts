import { ConfigurationError } from '../errors.ts';
import type { TreeEntry } from '../github/git-data.ts';
import { gitTreeId } from '../github/git-object.ts';
import type { PackageVersion } from './package-version.ts';
import { DIRECTORY, PACKAGES, type Packages } from './packages.ts';
import { newTree, type TreeEdit } from './tree-edit.ts';

/** What shall become of one package version: this tree, or nothing. */
export interface PackageChange extends PackageVersion {
  readonly tree: string | null;
}

/**
 * Returns the root that a storage branch has after some changes. Nothing is read or written: ids and modes of everything
 * else are taken over, so whatever is not named in `changes` is bit for bit what it was. The versions of all changed
 * names must have been read.
 *
 * Directories are built whole from their entries; one that would hold nothing is left out of its parent, because git has
 * no empty directories.
 */
export function editPackages(packages: Packages, changes: readonly PackageChange[]): TreeEdit {
  const byName = Map.groupBy(changes, ({ name }) => name);
  const changed = [...byName].map(([name, ofName]) => {
    const entries = packages.versions.get(name);
    if (entries === undefined) throw new RangeError(`the versions of ${name} were not read`);
    const named = ofName.map(({ version, tree }) => ({ path: version, tree }));
    return { name, entries: replaceDirectories(entries, named) };
  });
  const names = changed.map(({ entries }) => newTree(entries));
  const inPackages = replaceDirectories(
    packages.names,
    changed.map(({ name, entries }) => ({ path: name, tree: entries.length === 0 ? null : gitTreeId(entries) })),
  );
  const inRoot = replaceDirectories(packages.root, [
    { path: PACKAGES, tree: inPackages.length === 0 ? null : gitTreeId(inPackages) },
  ]);
  if (inRoot.length === 0) {
    throw new ConfigurationError('empty-branch', 'The branch would hold nothing at all, which GitHub cannot write.');
  }
  const levels = [names, [newTree(inPackages)], [newTree(inRoot)]];
  return {
    tree: gitTreeId(inRoot),
    levels: levels.map((level) => level.filter(({ entries }) => entries.length > 0)),
  };
}

function replaceDirectories(
  entries: readonly TreeEntry[],
  changes: readonly { readonly path: string; readonly tree: string | null }[],
): readonly TreeEntry[] {
  const changed = new Set(changes.map(({ path }) => path));
  const other = entries.find(({ path, mode }) => changed.has(path) && mode !== DIRECTORY);
  if (other !== undefined) {
    throw new ConfigurationError(
      'no-directory',
      `\`${other.path}\` below \`${PACKAGES}\` is no directory (its mode is ${other.mode}). Remove it first.`,
    );
  }
  return [
    ...entries.filter(({ path }) => !changed.has(path)),
    ...changes.flatMap(({ path, tree }) => (tree === null ? [] : [{ path, mode: DIRECTORY, id: tree }])),
  ];
}
