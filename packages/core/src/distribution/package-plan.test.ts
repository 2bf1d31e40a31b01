import { describe, expect, it } from 'vitest';
import { bucketOf, countRecentLayers, type PackagePlan, type PackageUnit, planPackages } from './package-plan.ts';

const LAYERS = 24;

function units(count: number, names = 50): PackageUnit[] {
  return Array.from({ length: count }, (_, index) => ({
    path: `name_${index % names}/1.${Math.floor(index / names)}.0`,
    id: `id-${index}`,
  }));
}

/** A generator of numbers below 1 that begins anew with every seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

function contentsOf({ parts }: PackagePlan): string[] {
  return parts.flatMap(({ units: held }) => held.map(({ path, id }) => `${path} ${id}`)).sort();
}

/** What knows a layer. */
function keysOf({ parts }: PackagePlan): string[] {
  return parts.map(({ units: held }) => held.map(({ path, id }) => `${path} ${id}`).join('\n'));
}

/** Returns how many units stand in layers that were not there before. */
function writtenUnits(before: PackagePlan, after: PackagePlan): number {
  const known = new Set(keysOf(before));
  const made = after.parts.filter((_, index) => !known.has(keysOf(after)[index] ?? ''));
  return made.reduce((sum, part) => sum + part.units.length, 0);
}

describe('the plan of packages', () => {
  it('begins with base layers by name', () => {
    const plan = planPackages(undefined, units(1000), LAYERS);
    expect(plan.bases).toBe(18);
    expect(plan.parts.every(({ kind }) => kind === 'base')).toBe(true);
    for (const { index, units: held } of plan.parts) {
      expect(held.every((unit) => bucketOf(unit, plan.bases) === index)).toBe(true);
    }
    expect(contentsOf(plan)).toEqual(contentsOf({ bases: 1, parts: [{ kind: 'base', index: 0, units: units(1000) }] }));
  });

  it('writes what was added, and nothing that was there', () => {
    const before = planPackages(undefined, units(1000), LAYERS);
    const added = { path: 'name_7/9.0.0', id: 'new' };
    const after = planPackages(before, [...units(1000), added], LAYERS);
    expect(after.parts.slice(0, -1)).toEqual(before.parts);
    expect(after.parts.at(-1)).toEqual({ kind: 'recent', index: 0, units: [added] });
  });

  it('makes a layer again without what was removed or replaced, and puts additions of its names into it', () => {
    const before = planPackages(undefined, units(1000), LAYERS);
    const [gone, replaced, ...others] = units(1000);
    if (gone === undefined || replaced === undefined) throw new Error('no units');
    const [name = ''] = gone.path.split('/');
    const wanted = [{ ...replaced, id: 'other' }, { path: `${name}/9.0.0`, id: 'new' }, ...others];
    const after = planPackages(before, wanted, LAYERS);
    expect(after.parts.map(({ kind, index }) => `${kind} ${index}`)).toEqual(
      before.parts.map(({ kind, index }) => `${kind} ${index}`),
    );
    const changed = after.parts.filter((_, index) => keysOf(after)[index] !== keysOf(before)[index]);
    expect(changed.map(({ index }) => index).sort()).toEqual(
      [...new Set([gone, replaced].map((unit) => bucketOf(unit, before.bases)))].sort(),
    );
    expect(changed.flatMap((part) => part.units)).toContainEqual({ path: `${name}/9.0.0`, id: 'new' });
  });

  it('forgets history when asked to, and when the number of layers changes', () => {
    let plan = planPackages(undefined, units(400), LAYERS);
    for (let count = 401; count < 410; count += 1) plan = planPackages(plan, units(count), LAYERS);
    expect(plan.parts.some(({ kind }) => kind === 'recent')).toBe(true);
    expect(planPackages(plan, units(410), 16)).toEqual(planPackages(undefined, units(410), 16));
    expect(planPackages(undefined, units(410), LAYERS)).toEqual(planPackages(undefined, units(410).reverse(), LAYERS));
  });

  it('has no recent layers where base layers are small, and drops those it had', () => {
    const before = planPackages(undefined, units(60), LAYERS);
    const after = planPackages(before, units(61), LAYERS);
    expect(after).toEqual(planPackages(undefined, units(61), LAYERS));
    const large = planPackages(planPackages(undefined, units(200), LAYERS), units(201), LAYERS);
    expect(planPackages(large, units(30), LAYERS)).toEqual(planPackages(undefined, units(30), LAYERS));
  });

  it('takes no packages at all', () => {
    expect(planPackages(undefined, [], LAYERS)).toEqual({ bases: 18, parts: [] });
    expect(planPackages(planPackages(undefined, units(500), LAYERS), [], LAYERS).parts).toEqual([]);
  });
});

describe.each([1, 2, 3, 4, 8, 24])('over random histories with %i layers', (layers) => {
  it.each([1, 2, 3])('holds every unit once, with its content, in few enough layers: seed %i', (seed) => {
    const random = randomFrom(seed * 100 + layers);
    const wanted = new Map(units(random() < 0.5 ? 40 : 300).map(({ path, id }) => [path, id]));
    const list = () => [...wanted].map(([path, id]) => ({ path, id }));
    let plan: PackagePlan | undefined;
    for (let step = 0; step < 150; step += 1) {
      for (let times = 1 + Math.floor(random() * (random() < 0.1 ? 60 : 3)); times > 0; times -= 1) {
        const paths = [...wanted.keys()];
        const any = paths[Math.floor(random() * paths.length)];
        const kind = random();
        if (kind < 0.7 || any === undefined) wanted.set(`name_${Math.floor(random() * 60)}/${step}.${times}.0`, 'a');
        else if (kind < 0.85) wanted.set(any, `${step}`);
        else wanted.delete(any);
      }
      const next = planPackages(plan, list(), layers);
      expect(contentsOf(next)).toEqual(
        list()
          .map(({ path, id }) => `${path} ${id}`)
          .sort(),
      );
      expect(next.parts.length).toBeLessThanOrEqual(layers);
      expect(next.parts.filter(({ kind }) => kind === 'recent').length).toBeLessThanOrEqual(countRecentLayers(layers));
      // Whatever the order in which the packages are listed; and again, there is nothing to do.
      expect(planPackages(plan, list().reverse(), layers)).toEqual(next);
      expect(planPackages(next, list(), layers)).toEqual(next);
      plan = next;
    }
  });
});

describe('the cost of additions', () => {
  const costsOf = (start: number, additions: number, layers = LAYERS): number[] => {
    const all = units(start + additions, start / 10);
    let plan = planPackages(undefined, all.slice(0, start), layers);
    return Array.from({ length: additions }, (_, index) => {
      const next = planPackages(plan, all.slice(0, start + index + 1), layers);
      const cost = writtenUnits(plan, next);
      plan = next;
      return cost;
    });
  };
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

  it('is a few units most of the time, however many there are', () => {
    expect(median(costsOf(2000, 100))).toBeLessThanOrEqual(6);
    expect(median(costsOf(8000, 100))).toBeLessThanOrEqual(8);
  });

  it('is bounded over time, folds included', () => {
    const costs = costsOf(1600, 330);
    expect(costs.filter((cost) => cost > 1000)).toHaveLength(2);
    expect(costs.reduce((sum, cost) => sum + cost, 0) / costs.length).toBeLessThan(32);
  });
});
