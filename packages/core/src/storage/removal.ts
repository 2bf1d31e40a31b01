import { editPackages } from './edit-packages.ts';
import { type Holder, isHeldSomewhere, type Judgement, judgeRemoval } from './holder.ts';
import type { PackageTree } from './package-version.ts';
import type { Packages } from './packages.ts';
import type { Refusal } from './promotion.ts';
import type { TreeEdit } from './tree-edit.ts';

/** What a removal would do; printed as it is. */
export interface RemovalPlan {
  readonly removed: readonly PackageTree[];
  readonly refused: readonly Refusal[];
  /** Held further along, but not published yet; only of what nobody named, else it is refused. */
  readonly waiting: readonly Refusal[];
  /** Undefined when there is nothing to write. */
  readonly edit: TreeEdit | undefined;
}

/**
 * Plans to remove package versions from a distribution, from the state of things alone: what is removed is held, bit for
 * bit, by a distribution further along, and its published image has it. Of what is refused nothing happens; the rest is
 * planned all the same, for each version stands for itself.
 *
 * With `scope: 'promoted'` only what is further along is looked at: nobody asked for anything else to be removed.
 */
export function planRemoval(
  candidates: readonly PackageTree[],
  packages: Packages,
  holders: readonly Holder[],
  scope: 'named' | 'promoted',
): RemovalPlan {
  const judged = candidates
    .filter((version) => scope === 'named' || isHeldSomewhere(version, holders))
    .map((version) => ({ ...version, ...judgeRemoval(version, holders) }));
  const removed = judged
    .filter(({ verdict }) => verdict === 'removable')
    .map(({ name, version, tree }) => ({ name, version, tree }));
  const kept = judged.filter(({ verdict }) => verdict !== 'removable');
  const isWaiting = ({ verdict }: Judgement): boolean => scope === 'promoted' && verdict === 'waiting';
  const asRefusal = ({ name, version, tree, reason }: PackageTree & Judgement): Refusal => ({
    name,
    version,
    tree,
    reason,
  });
  return {
    removed,
    refused: kept.filter((each) => !isWaiting(each)).map(asRefusal),
    waiting: kept.filter(isWaiting).map(asRefusal),
    edit:
      removed.length === 0
        ? undefined
        : editPackages(
            packages,
            removed.map((version) => ({ ...version, tree: null })),
          ),
  };
}
