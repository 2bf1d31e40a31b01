import { sha256 } from '../util/content.ts';
import type { PackagePart, PackagePlan, PackageUnit } from './package-plan.ts';

/** A layer of packages, not made yet. */
export interface PlannedLayer {
  readonly distribution: string;
  /** Counts from 0. */
  readonly index: number;
  readonly part: Pick<PackagePart, 'kind' | 'index'>;
  /** SHA-256 over the sorted `path tree-id` lines of what is in it: equal keys are equal layers. */
  readonly key: string;
  /** Sorted by path. */
  readonly units: readonly PackageUnit[];
}

/**
 * Returns the layers of a plan, the lowest first. A distribution without packages has one, with its empty directory,
 * because a registry refuses to start without it.
 */
export function planLayers(distribution: string, { parts }: PackagePlan): PlannedLayer[] {
  const all = parts.length === 0 ? [{ kind: 'base', index: 0, units: [] } as const] : parts;
  return all.map(({ kind, index: place, units }, index) => {
    const lines = units.map(({ path, id }) => `${packagePath(distribution, path)} ${id}\n`);
    return { distribution, index, part: { kind, index: place }, key: sha256(lines.join('')), units };
  });
}

/** Returns where a path below the directory of the packages is in the image, without a slash before it. */
export function packagePath(distribution: string, path: string): string {
  return `packages/${distribution}/${path}`;
}
