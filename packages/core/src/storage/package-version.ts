import type { SemVer } from 'semver';
import compare from 'semver/functions/compare.js';
import parse from 'semver/functions/parse.js';

/** A package version: one directory `packages/<name>/<version>` of a storage branch. */
export interface PackageVersion {
  readonly name: string;
  readonly version: string;
}

/** A package version and the id of its git tree, which stands for every file of it and their modes. */
export interface PackageTree extends PackageVersion {
  readonly tree: string;
}

/** https://semver.org/#is-there-a-suggested-regular-expression-regex-to-check-a-semver-string */
const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$/;

/** Says whether `text` is a strict semantic version, without a `v`: package registries skip any other directory. */
export function isStrictVersion(text: string): boolean {
  return SEMVER.test(text) && parse(text) !== null;
}

/** Says whether `text` may name a package: it becomes part of paths, branches and titles. */
export function isPackageName(text: string): boolean {
  return /^[a-z0-9]([-_a-z0-9]{0,61}[a-z0-9])?$/.test(text);
}

/** Returns `foo-1.2.3`. */
export function formatPackageVersion({ name, version }: PackageVersion): string {
  return `${name}-${version}`;
}

/**
 * Returns every way to read `text` as `<name>-<version>`, the one with the shortest version first.
 *
 * Names hold dashes and versions hold prereleases, so there can be several: `foo-1.0.0-2.0.0` is 2.0.0 of `foo-1.0.0`, or
 * 1.0.0-2.0.0 of `foo`.
 */
export function splitPackageVersion(text: string): readonly PackageVersion[] {
  return [...text.matchAll(/-/g)]
    .map(({ index }) => ({ name: text.slice(0, index), version: text.slice(index + 1) }))
    .filter(({ name, version }) => name !== '' && isStrictVersion(version))
    .reverse();
}

/** Versions that were read; there are far fewer of them than packages have, and sorting looks at each many times. */
const known = new Map<string, SemVer | string>();

/** Returns a version in the form that compares fast; what is none stays as it is, for comparing to say so. */
function readVersion(text: string): SemVer | string {
  const version = known.get(text) ?? parse(text) ?? text;
  known.set(text, version);
  return version;
}

/** Sorts by name, then by semver precedence; build metadata, which has none, decides last. */
export function comparePackageVersions(a: PackageVersion, b: PackageVersion): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return (
    compare(readVersion(a.version), readVersion(b.version)) ||
    (a.version < b.version ? -1 : Number(a.version > b.version))
  );
}
