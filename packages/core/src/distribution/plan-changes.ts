import type { PackagePart, PackagePlan } from './package-plan.ts';

/**
 * Returns why each layer of a plan has to be made, in the words of the summary; undefined for one that an image of before
 * has.
 */
export function explainPlan(previous: PackagePlan | undefined, { parts }: PackagePlan): (string | undefined)[] {
  if (previous === undefined) return parts.map(() => 'no plan of an earlier image');
  const before = new Map(
    previous.parts.flatMap((part) => part.units.map(({ path, id }) => [path, { id, part: nameOf(part) }] as const)),
  );
  const after = new Map(parts.flatMap((part) => part.units.map(({ path }) => [path, nameOf(part)] as const)));
  const earlier = new Map(previous.parts.map((part) => [nameOf(part), part]));
  return parts.map((part) => {
    const name = nameOf(part);
    const count = { added: 0, replaced: 0, 'folded in': 0, removed: 0, 'moved on': 0 };
    for (const { path, id } of part.units) {
      const known = before.get(path);
      if (known === undefined) count.added += 1;
      else if (known.id !== id) count.replaced += 1;
      else if (known.part !== name) count['folded in'] += 1;
    }
    for (const { path } of earlier.get(name)?.units ?? []) {
      if (!after.has(path)) count.removed += 1;
      else if (after.get(path) !== name) count['moved on'] += 1;
    }
    const said = Object.entries(count).flatMap(([what, times]) => (times === 0 ? [] : [`${times} ${what}`]));
    return said.length === 0 ? undefined : said.join(', ');
  });
}

function nameOf({ kind, index }: PackagePart): string {
  return `${kind} ${index}`;
}
