import type { TreeEntry } from '../github/git-data.ts';
import { isStrictVersion, type PackageVersion } from './package-version.ts';
import { DIRECTORY, PACKAGES, type Packages } from './packages.ts';

/** What merging a branch does to one package version of its base. */
export interface MergedChange extends PackageVersion {
  /**
   * `conflict`: both sides changed it, so what comes out is decided file by file; `no-directory`: something that is no
   * directory takes its place.
   */
  readonly kind: 'added' | 'overwritten' | 'removed' | 'conflict' | 'no-directory';
  /** Tree in the base now; undefined when it is not there. */
  readonly before: string | undefined;
  /** Tree after the merge; undefined when it is not there, or not known. */
  readonly after: string | undefined;
}

/** Returns the names that the head changes since it left the base: only these can come out of a merge changed. */
export function changedNames(mergeBase: Packages, head: Packages): string[] {
  return keysOf(mergeBase.names, head.names).filter(
    (name) => label(find(mergeBase.names, name)) !== label(find(head.names, name)),
  );
}

/**
 * Returns what merging `head` would do to the package versions of `base`, as git's three-way merge does it: what only one
 * side has changed since the merge base comes from that side. The changed names must have been read in all three.
 *
 * What the pull request shows on its page is the change against the merge base; what can vanish is what the base holds
 * *now*, and that is what is compared here.
 */
export function mergeChanges(mergeBase: Packages, base: Packages, head: Packages): MergedChange[] {
  return changedNames(mergeBase, head).flatMap((name) => {
    const sides = [mergeBase, base, head].map(({ versions }) => versions.get(name) ?? []);
    const [ofMergeBase = [], ofBase = [], ofHead = []] = sides;
    // Git takes a directory that is gone for a renamed one, and moves what the base has put into it since then along.
    const isRenamed = find(head.names, name)?.mode !== DIRECTORY;
    const versions = keysOf(...sides).flatMap((version) => {
      const before = find(ofBase, version);
      const merged =
        isRenamed && !find(ofMergeBase, version)
          ? 'conflict'
          : mergeEntry(find(ofMergeBase, version), before, find(ofHead, version));
      const kind = merged === 'conflict' ? 'conflict' : judge(version, before, merged);
      if (kind === undefined) return [];
      const after = merged === 'conflict' ? undefined : treeOf(merged);
      return [{ name, version, kind, before: treeOf(before), after }];
    });
    const entry = find(head.names, name);
    return entry === undefined || entry.mode === DIRECTORY ? versions : [...versions, noDirectory(name)];
  });
}

/** Returns where a change happens, from the root of the repository. */
export function pathOf({ name, version }: PackageVersion): string {
  return version === '' ? `${PACKAGES}/${name}` : `${PACKAGES}/${name}/${version}`;
}

function noDirectory(name: string): MergedChange {
  return { name, version: '', kind: 'no-directory', before: undefined, after: undefined };
}

type Entry = TreeEntry | undefined;

function mergeEntry(mergeBase: Entry, base: Entry, head: Entry): Entry | 'conflict' {
  const [ofMergeBase, ofBase, ofHead] = [mergeBase, base, head].map(label);
  if (ofHead === ofMergeBase || ofHead === ofBase) return base;
  return ofBase === ofMergeBase ? head : 'conflict';
}

function judge(version: string, before: Entry, after: Entry): MergedChange['kind'] | undefined {
  if (label(before) === label(after)) return undefined;
  if (after !== undefined && after.mode !== DIRECTORY) return 'no-directory';
  if (after !== undefined) return before?.mode === DIRECTORY ? 'overwritten' : 'added';
  // Package registries serve nothing else, so nothing else can vanish for anybody.
  return before?.mode === DIRECTORY && isStrictVersion(version) ? 'removed' : undefined;
}

function find(entries: readonly TreeEntry[], path: string): Entry {
  return entries.find((entry) => entry.path === path);
}

function keysOf(...sides: readonly (readonly TreeEntry[])[]): string[] {
  return [...new Set(sides.flatMap((entries) => entries.map(({ path }) => path)))].sort();
}

function label(entry: Entry): string {
  return entry === undefined ? '' : `${entry.mode} ${entry.id}`;
}

function treeOf(entry: Entry): string | undefined {
  return entry?.mode === DIRECTORY ? entry.id : undefined;
}
