import type { Distribution } from '../configuration/storage.ts';
import type { TreeReader } from '../github/tree-reader.ts';
import { formatPackageVersion, type PackageTree } from './package-version.ts';
import { findTree, type Packages, readPackages } from './packages.ts';
import type { Heads } from './proposal.ts';

/** What a distribution further along holds. */
export interface Further {
  readonly name: string;
  readonly packages: Packages;
}

/** Reads distributions further along at these heads, as far as it matters for the packages of these names. */
export async function readFurther(
  reader: TreeReader,
  heads: Heads,
  distributions: readonly Distribution[],
  names: readonly string[],
): Promise<readonly Further[]> {
  const read = distributions.map(async ({ name }): Promise<Further[]> => {
    const head = heads.get(name);
    return head === undefined ? [] : [{ name, packages: await readPackages(reader, head, names) }];
  });
  return (await Promise.all(read)).flat();
}

/**
 * Returns why a package version must not enter a distribution: one further along holds it with another content, and is
 * served before it, so that nobody would ever get what is added. Undefined when there is none.
 */
export function refuseOtherContent(version: PackageTree, further: readonly Further[]): string | undefined {
  for (const { name, packages } of further) {
    const held = findTree(packages, version);
    if (held === undefined || held === version.tree) continue;
    return (
      `'${name}' holds ${formatPackageVersion(version)} already, with the tree ${held} instead of ${version.tree}, ` +
      'and would be served before it. Raise the version.'
    );
  }
  return undefined;
}
