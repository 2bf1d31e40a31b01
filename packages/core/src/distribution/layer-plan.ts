import { createHash } from 'node:crypto';
import { sha256 } from '../util/content.ts';
import { comparePaths } from './git-tree.ts';
import type { PackageDirectory, PackageName } from './package-files.ts';

/** A layer of packages, not made yet. */
export interface PlannedLayer {
  readonly distribution: string;
  /** Counts from 0. */
  readonly index: number;
  /** SHA-256 over the sorted `path tree-id` lines of what is in it: equal keys are equal layers. */
  readonly key: string;
  /** Sorted by name. */
  readonly names: readonly PackageName[];
}

/**
 * Spreads packages over a fixed number of layers by a hash of their names, so that a change of one package changes one
 * layer and no other. Layers that would hold nothing are left out; a distribution without packages has one, with its
 * empty directory, because a registry refuses to start without it.
 */
export function planLayers(distribution: string, packages: PackageDirectory, count: number): PlannedLayer[] {
  const buckets = Map.groupBy(packages.names, ({ name }) => bucketOf(name, count));
  if (buckets.size === 0) buckets.set(0, []);
  return [...buckets]
    .sort(([a], [b]) => a - b)
    .map(([index, members]) => {
      const names = members.toSorted((a, b) => comparePaths(a.name, b.name));
      const lines = names.map(({ name, id }) => `${packagePath(distribution, name)} ${id}\n`);
      return { distribution, index, key: sha256(lines.join('')), names };
    });
}

/** Returns where a path below the directory of the packages is in the image, without a slash before it. */
export function packagePath(distribution: string, path: string): string {
  return `packages/${distribution}/${path}`;
}

function bucketOf(name: string, count: number): number {
  return createHash('sha256').update(name).digest().readUInt32BE(0) % count;
}
