import type { Finding } from '../plugin/finding.ts';
import { formatPackageVersion, type PackageVersion, splitPackageVersion } from '../storage/package-version.ts';
import type { FileSource } from './file-source.ts';
import type { GitFile } from './git-tree.ts';
import { PACKAGES } from './package-files.ts';

/** How a zip begins; https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT 4.3.7, and 4.3.16 for one without files. */
const SIGNATURES = ['PK\x03\x04', 'PK\x05\x06'];

/**
 * Finds zips among the packages of a branch. A package registry takes every file called `.zip`, however deep, for a package
 * and looks at zips before it looks at any directory: a zip on one branch takes the place of a directory on another one,
 * whatever comes first in `package_paths`, and no promotion or comparison knows of it.
 */
export async function findZipPackages(
  files: readonly Pick<GitFile, 'path' | 'id'>[],
  source: FileSource,
  served: readonly ServedVersion[],
): Promise<Finding[]> {
  const zips: string[] = [];
  for (const { path, id } of files) {
    if (!isCalledZip(path)) continue;
    const start = (await source.read(id, path)).toString('latin1', 0, 4);
    // What only is called so is passed over by registries, too.
    if (SIGNATURES.includes(start)) zips.push(path);
  }
  if (zips.length === 0) return [];
  const holders = new Map(served.map((version) => [formatPackageVersion(version), version.distribution]));
  return zips.map((path) => report(path, holders));
}

/** A version that would be served if there were no zips, and from which distribution. */
type ServedVersion = PackageVersion & { readonly distribution: string };

/** Says whether a registry looks into a file of a branch as into a package. */
export function isCalledZip(path: string): boolean {
  return path.startsWith(`${PACKAGES}/`) && path.endsWith('.zip');
}

function report(path: string, holders: ReadonlyMap<string, string>): Finding {
  const stem = path.slice(path.lastIndexOf('/') + 1, -'.zip'.length);
  const version = splitPackageVersion(stem)
    .map(formatPackageVersion)
    .find((label) => holders.has(label));
  const finding = { file: path, line: 1, column: 1, rule: 'package-zip', severity: 'warning' } as const;
  if (version === undefined) {
    return {
      ...finding,
      message: `${path} is a package to a registry, which takes it before every directory; promotions and comparisons do not know of it.`,
      fix: 'Unpack it to packages/<name>/<version>/, or remove it.',
    };
  }
  return {
    ...finding,
    message: `${path} is served in the place of ${version} of '${holders.get(version)}': a registry takes zips before directories.`,
    fix: 'Remove it; if it is the right one, unpack it to the directory of its version.',
  };
}
