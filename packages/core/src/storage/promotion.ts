import type { Distribution } from '../configuration/storage.ts';
import { editPackages } from './edit-packages.ts';
import { type Further, refuseOtherContent } from './further.ts';
import { formatPackageVersion, type PackageTree } from './package-version.ts';
import { findTree, type Packages } from './packages.ts';
import type { TreeEdit } from './tree-edit.ts';

/** A package version of which nothing will be done, and why. */
export interface Refusal extends PackageTree {
  readonly reason: string;
}

/** What a promotion would do; printed as it is. */
export interface PromotionPlan {
  readonly promoted: readonly PackageTree[];
  /** Those of `promoted` that replace other content, with the tree that is there now. */
  readonly overwritten: readonly PackageTree[];
  /** Those that are there already, bit for bit. */
  readonly unchanged: readonly PackageTree[];
  readonly refused: readonly Refusal[];
  /** Undefined when there is nothing to write. */
  readonly edit: TreeEdit | undefined;
}

/**
 * Plans to add package versions to a distribution: their trees are named by its branch as well, so what arrives is bit
 * for bit what was there. A version that is there with another tree is refused, unless the policy lets it be replaced; one
 * that is so further along is refused always; one refusal keeps all the others back.
 */
export function planPromotion(
  wanted: readonly PackageTree[],
  packages: Packages,
  to: Distribution,
  further: readonly Further[],
  overwrite: boolean,
): PromotionPlan {
  const found = wanted.map((version) => ({ version, there: findTree(packages, version) }));
  const refused = found.flatMap(({ version, there }) => {
    const reason = refuseOtherContent(version, further) ?? refuseOverwrite(version, there, to, overwrite);
    return reason === undefined ? [] : [{ ...version, reason }];
  });
  const changing = found.filter(({ version, there }) => there !== version.tree);
  const promoted = refused.length > 0 ? [] : changing.map(({ version }) => version);
  const overwritten =
    refused.length > 0
      ? []
      : changing.flatMap(({ version, there }) => (there === undefined ? [] : [{ ...version, tree: there }]));
  return {
    promoted,
    overwritten,
    unchanged: found.filter(({ version, there }) => there === version.tree).map(({ version }) => version),
    refused,
    edit: promoted.length === 0 ? undefined : editPackages(packages, promoted),
  };
}

/** Returns why a package version must not take the place of the tree that is `there`, undefined when it may. */
export function refuseOverwrite(
  version: PackageTree,
  there: string | undefined,
  to: Distribution,
  overwrite: boolean,
): string | undefined {
  if (there === undefined || there === version.tree || to.overwrite === 'always') return undefined;
  if (to.overwrite === 'on-request' && overwrite) return undefined;
  const cure =
    to.overwrite === 'never'
      ? `'${to.name}' never replaces a version: raise the version`
      : 'Raise the version, or dispatch with overwrite: true and a reason';
  return (
    `'${to.name}' holds ${formatPackageVersion(version)} already, with the tree ${there} instead of ${version.tree}. ` +
    `${cure}.`
  );
}
