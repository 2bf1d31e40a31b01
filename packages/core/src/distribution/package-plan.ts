import { createHash } from 'node:crypto';

/** What a layer is made of: a package version, or what else stands among the packages. */
export interface PackageUnit {
  /** From the directory of the packages: `log/1.0.0`. */
  readonly path: string;
  /** Git's id of the directory, or mode and id of a file. */
  readonly id: string;
}

/** One layer of packages. */
export interface PackagePart {
  /** Base layers hold names by their hash; recent ones hold what came last, the higher the level the more of it. */
  readonly kind: 'base' | 'recent';
  /** Which base layer, or which level; counts from 0. */
  readonly index: number;
  /** In the order of their paths. */
  readonly units: readonly PackageUnit[];
}

/** How package versions are spread over layers. */
export interface PackagePlan {
  /** Over how many base layers names are spread, those that would hold nothing among them. */
  readonly bases: number;
  /** The lowest first: what changes seldom stands below what changes often. */
  readonly parts: readonly PackagePart[];
}

/** Recent layers together hold this part of all units at the most; then they are folded into the base layers. */
const RECENT_SHARE = 16;

/** Where recent layers could hold no more than this, base layers are so small that recent ones are of no use. */
const FEWEST_RECENT = 4;

/** Returns how many of so many versions recent layers hold together; one more folds them. */
export function recentCapacity(versions: number): number {
  return Math.floor(versions / RECENT_SHARE);
}

/** Returns how many of a distribution's layers are recent ones. */
export function countRecentLayers(layers: number): number {
  return Math.floor(layers / 4);
}

/**
 * Plans layers for `wanted` out of the plan of the image before: pure, and the same wherever it is made.
 *
 * What was added goes to recent layers, whose capacities grow like a power from level to level: when a level is full, it
 * goes into the next one, so that an addition costs a few small layers, and each unit is written again once or twice on
 * every level. When the last one is full, all are folded into the base layers. A layer that holds something that is wanted
 * no longer, or with another content, is made again without it: layers above hide nothing, so that nothing comes back.
 *
 * Without a plan before, or with one for another number of layers, everything goes into base layers by a hash of the name.
 */
export function planPackages(
  previous: PackagePlan | undefined,
  wanted: readonly PackageUnit[],
  layers: number,
): PackagePlan {
  const recent = countRecentLayers(layers);
  const bases = layers - recent;
  if (previous?.bases !== bases) return planAnew(wanted, bases);
  const draft = new Draft(previous, wanted);
  const capacity = recentCapacity(wanted.length);
  if (capacity < FEWEST_RECENT || draft.levels.length > recent) draft.fold(bases);
  else {
    draft.addToChangedBases(bases);
    draft.addToRecent(bases, capacitiesOf(recent, capacity));
  }
  return draft.finish(bases);
}

function planAnew(wanted: readonly PackageUnit[], bases: number): PackagePlan {
  const draft = new Draft({ bases, parts: [] }, wanted);
  draft.fold(bases);
  return draft.finish(bases);
}

/** How much each level holds, so that the last one holds `capacity` and each so many times the one before. */
function capacitiesOf(levels: number, capacity: number): number[] {
  const factor = capacity ** (1 / levels);
  return Array.from({ length: levels }, (_, level) =>
    level === levels - 1 ? capacity : Math.max(1, Math.floor(factor ** (level + 1))),
  );
}

/** A plan under way. */
class Draft {
  readonly bases = new Map<number, PackageUnit[]>();
  /** The units of each level, the smallest level first; some may be empty. */
  levels: PackageUnit[][] = [];
  /** What no layer holds yet. */
  #added: PackageUnit[];
  readonly #changedBases = new Set<number>();

  /** Takes over what is still wanted. */
  constructor(previous: PackagePlan, wanted: readonly PackageUnit[]) {
    const missing = new Map(wanted.map((unit) => [unit.path, unit]));
    for (const { kind, index, units } of previous.parts) {
      const kept = units.flatMap(({ path }) => {
        const unit = missing.get(path);
        missing.delete(path);
        return unit === undefined ? [] : [unit];
      });
      if (kind === 'recent') this.levels[index] = kept;
      else {
        this.bases.set(index, kept);
        const isSame = kept.length === units.length && kept.every(({ id }, at) => id === units[at]?.id);
        if (!isSame) this.#changedBases.add(index);
      }
    }
    // A level that was empty has no part.
    this.levels = Array.from(this.levels, (level) => level ?? []);
    this.#added = [...missing.values()];
  }

  /** A base layer that is made again takes what belongs to it at no cost. */
  addToChangedBases(count: number): void {
    this.#added = this.#added.filter((unit) => {
      const index = bucketOf(unit, count);
      if (!this.#changedBases.has(index)) return true;
      this.bases.get(index)?.push(unit);
      return false;
    });
  }

  /** Adds to the lowest level that holds it together with the levels before it; folds when there is none. */
  addToRecent(bases: number, capacities: readonly number[]): void {
    if (this.#added.length === 0) return;
    let total = this.#added.length;
    for (const [level, capacity] of capacities.entries()) {
      total += this.levels[level]?.length ?? 0;
      if (total > capacity) continue;
      const merged = this.levels.slice(0, level + 1).flat();
      const emptied = Array.from({ length: level }, () => []);
      this.levels = [...emptied, [...merged, ...this.#added], ...this.levels.slice(level + 1)];
      this.#added = [];
      return;
    }
    this.fold(bases);
  }

  /** Puts everything that is not in a base layer into one. */
  fold(count: number): void {
    for (const unit of [...this.levels.flat(), ...this.#added]) {
      const index = bucketOf(unit, count);
      const known = this.bases.get(index);
      if (known === undefined) this.bases.set(index, [unit]);
      else known.push(unit);
    }
    this.levels = [];
    this.#added = [];
  }

  finish(bases: number): PackagePlan {
    const base = [...this.bases].sort(([a], [b]) => a - b).map(([index, units]) => partOf('base', index, units));
    const recent = this.levels.map((units, index) => partOf('recent', index, units)).reverse();
    return { bases, parts: [...base, ...recent].filter(({ units }) => units.length > 0) };
  }
}

function partOf(kind: PackagePart['kind'], index: number, units: readonly PackageUnit[]): PackagePart {
  return { kind, index, units: units.toSorted((a, b) => (a.path < b.path ? -1 : 1)) };
}

/** Returns the base layer a unit belongs to: equal files are mostly those of other versions of the same name. */
export function bucketOf({ path }: PackageUnit, bases: number): number {
  const [name = ''] = path.split('/');
  return createHash('sha256').update(name).digest().readUInt32BE(0) % bases;
}
