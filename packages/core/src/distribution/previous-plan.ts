import { ConfigurationError } from '../errors.ts';
import type { BranchStore } from './branch-store.ts';
import { planLayers } from './layer-plan.ts';
import { listPackageUnits } from './package-files.ts';
import { bucketOf, type PackagePart, type PackagePlan, type PackageUnit } from './package-plan.ts';
import { type PublishedDistribution, packageLayersOf } from './published-distribution.ts';

/**
 * Writes down what of a plan the next build cannot find out again: how many base layers there are, and what stands in
 * recent ones. The rest follows from the commit that the image was built from.
 */
export function formatPlan({ bases, parts }: PackagePlan): string {
  const recent = parts.flatMap(({ kind, index, units }) =>
    kind === 'recent' ? [[index, ...units.map(({ path }) => path)]] : [],
  );
  return JSON.stringify({ bases, recent });
}

/**
 * Returns the plan that an image of ours was built by; undefined when it cannot be known, such as when somebody has built
 * the image again in another way: the plan must give the very layers that the image has.
 */
export async function readPlan(
  image: PublishedDistribution | undefined,
  distribution: string,
  store: BranchStore,
): Promise<PackagePlan | undefined> {
  const { labels } = image ?? {};
  if (image === undefined || labels?.plan === undefined || labels.distribution !== distribution) return undefined;
  const written = parsePlan(labels.plan);
  const units = written && (await listUnits(labels.revision, store));
  if (written === undefined || units === undefined) return undefined;
  const plan = restorePlan(written, units);
  const keys = packageLayersOf(image)
    .filter((layer) => layer.distribution === distribution)
    .map(({ key }) => key);
  const planned = planLayers(distribution, plan);
  const isSame = planned.length === keys.length && planned.every(({ key }, index) => key === keys[index]);
  return isSame ? plan : undefined;
}

async function listUnits(commit: string, store: BranchStore): Promise<PackageUnit[] | undefined> {
  try {
    return listPackageUnits(await store.readTree(commit));
  } catch (error) {
    // History was written anew, or what was packed then would be refused now.
    if (error instanceof ConfigurationError) return undefined;
    throw error;
  }
}

/** Each level takes several times what the one below does: no branch comes near. */
const MOST_LEVELS = 64;

interface WrittenPlan {
  readonly bases: number;
  /** Levels and the paths of what is in them. */
  readonly recent: readonly (readonly [level: number, ...paths: string[]])[];
}

function parsePlan(text: string): WrittenPlan | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isWrittenPlan(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isWrittenPlan(value: unknown): value is WrittenPlan {
  if (typeof value !== 'object' || value === null || !('bases' in value) || !('recent' in value)) return false;
  const { bases, recent } = value;
  if (typeof bases !== 'number' || !(bases > 0) || !Array.isArray(recent)) return false;
  const levels = new Set(recent.map((line: unknown) => (Array.isArray(line) ? line[0] : undefined)));
  if (levels.size !== recent.length) return false;
  return recent.every((line: unknown) => {
    if (!Array.isArray(line)) return false;
    const [level, ...paths]: unknown[] = line;
    return (
      Number.isSafeInteger(level) &&
      Number(level) >= 0 &&
      Number(level) < MOST_LEVELS &&
      paths.every((path) => typeof path === 'string')
    );
  });
}

function restorePlan({ bases, recent }: WrittenPlan, units: readonly PackageUnit[]): PackagePlan {
  const others = new Map(units.map((unit) => [unit.path, unit]));
  const take = (paths: readonly string[]): PackageUnit[] =>
    paths.flatMap((path) => {
      const unit = others.get(path);
      others.delete(path);
      return unit === undefined ? [] : [unit];
    });
  const levels = recent.map(([index, ...paths]): PackagePart => ({ kind: 'recent', index, units: take(paths) }));
  const base = [...Map.groupBy(others.values(), (unit) => bucketOf(unit, bases))]
    .sort(([a], [b]) => a - b)
    .map(([index, held]): PackagePart => ({ kind: 'base', index, units: sortUnits(held) }));
  return { bases, parts: [...base, ...levels] };
}

function sortUnits(units: readonly PackageUnit[]): PackageUnit[] {
  return units.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
