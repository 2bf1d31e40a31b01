import type { Distribution, StorageSettings } from '../configuration/storage.ts';
import { ConfigurationError } from '../errors.ts';
import type { Repository } from '../registry/repository.ts';
import { sha256 } from '../util/content.ts';
import { checkDirection, checkNotFrozen, furtherAlong } from './direction.ts';
import { readFurther } from './further.ts';
import { readHolders } from './holder.ts';
import { namesIn, type PackageSelection, resolveSelection } from './package-selection.ts';
import { comparePackageVersions, formatPackageVersion, type PackageVersion } from './package-version.ts';
import { addNames, type Packages, readPackages } from './packages.ts';
import { type PromotionPlan, planPromotion } from './promotion.ts';
import { type Proposal, propose, requireHead, whileHeadsMove, withdraw } from './proposal.ts';
import { planRemoval, type RemovalPlan } from './removal.ts';
import type { StorageRepository } from './storage-repository.ts';
import { formatPackageList, formatTitle, inCode, WORDINGS } from './title.ts';
import type { TreeEdit } from './tree-edit.ts';

/** What was planned, and what became of it. */
export interface Outcome<P> {
  readonly plan: P;
  readonly branch: string;
  /** Undefined when there is none, because there is nothing to do or because nothing was to be done. */
  readonly pullRequest: number | undefined;
  readonly changed: boolean;
}

/** What both directions of a promotion need to know. */
interface Request {
  readonly settings: StorageSettings;
  readonly selection: PackageSelection;
  readonly from: Distribution;
  /** Plans and stops. */
  readonly dryRun: boolean;
}

export interface PromotionRequest extends Request {
  readonly to: Distribution;
  readonly overwrite: boolean;
  /** Why something may be overwritten; goes into the commit. */
  readonly reason: string | undefined;
}

/** Marks a commit that may replace package versions where that needs a reason. */
export const OVERWRITE_TRAILER = 'Overwrite-Reason:';

/** Puts up a pull request that adds package versions of one distribution to one further along. */
export async function promote(
  storage: StorageRepository,
  { settings, selection, from, to, overwrite, reason = '', dryRun }: PromotionRequest,
): Promise<Outcome<PromotionPlan>> {
  checkDirection(settings, from, to);
  const further = furtherAlong(settings, to);
  const watched = [from, to, ...further].map(({ name }) => name);
  return whileHeadsMove(storage, watched, async (heads) => {
    const toHead = requireHead(heads, to.name);
    const source = await readPackages(storage.trees, requireHead(heads, from.name), namesIn(selection));
    const target = await readPackages(storage.trees, toHead, selectedNames(selection, source));
    const { wanted, done } = resolveSelection(selection, source, from.name, [target]);
    const names = wanted.map(({ name }) => name);
    const held = await readFurther(storage.trees, heads, further, names);
    const plan = planPromotion(wanted, target, to, held, overwrite);
    const branch = `promote/${from.name}-to-${to.name}/${branchKey(selection, [...wanted, ...done])}`;
    const wording = WORDINGS.promote(from.name);
    const oneLine = reason.replaceAll(/\s+/g, ' ').trim();
    return settle(storage, plan, plan.refused.length, dryRun, {
      branch,
      base: { branch: to.name, commit: toHead },
      title: formatTitle(to.name, wording, plan.promoted),
      trailers: plan.overwritten.length === 0 || oneLine === '' ? [] : [`${OVERWRITE_TRAILER} ${oneLine}`],
      body: describePromotion(plan, from.name, to.name, oneLine),
    });
  });
}

export interface RemovalRequest extends Request {
  /** The distribution that must hold what is removed; undefined is any further along. */
  readonly to: Distribution | undefined;
  /** Where the images of the distributions are. */
  readonly images: Repository;
}

/** Puts up a pull request that removes package versions from a distribution, those that it need not hold any more. */
export async function removePromoted(
  storage: StorageRepository,
  { settings, selection, from, to, images, dryRun }: RemovalRequest,
): Promise<Outcome<RemovalPlan>> {
  checkRemovable(settings, from, to);
  const distributions = furtherAlong(settings, from).filter(({ name }) => to === undefined || name === to.name);
  const watched = [from, ...distributions].map(({ name }) => name);
  return whileHeadsMove(storage, watched, async (heads) => {
    const commit = requireHead(heads, from.name);
    const listed = await readPackages(storage.trees, commit, []);
    const holders = await readHolders(storage, distributions, heads, selectedNames(selection, listed), images);
    // Without a name further along there is nothing to compare, so with `all` most names need not be read at all.
    const held = holders.flatMap(({ packages }) => packages?.names.map(({ path }) => path) ?? []);
    const packages = await addNames(
      storage.trees,
      listed,
      selection === 'all' ? held : selectedNames(selection, listed),
    );
    const further = holders.flatMap((holder) => (holder.packages === undefined ? [] : [holder.packages]));
    const { wanted: candidates, done } = resolveSelection(selection, packages, from.name, further);
    const plan = planRemoval(candidates, packages, holders, selection === 'all' ? 'promoted' : 'named');
    return settle(storage, plan, plan.refused.length + plan.waiting.length, dryRun, {
      branch: `remove/${from.name}${to === undefined ? '' : `-after-${to.name}`}/${branchKey(selection, [...candidates, ...done])}`,
      base: { branch: from.name, commit },
      title: formatTitle(from.name, WORDINGS.remove, plan.removed),
      trailers: [],
      body: describeRemoval(plan, from.name),
    });
  });
}

function checkRemovable(settings: StorageSettings, from: Distribution, to: Distribution | undefined): void {
  checkNotFrozen(from);
  if (from.removal === 'never') {
    throw new ConfigurationError(
      'removal-never',
      `Nothing is ever removed from '${from.name}': its policy is removal: never.`,
    );
  }
  if (to !== undefined) checkDirection(settings, from, to);
}

function selectedNames(selection: PackageSelection, { names }: Packages): readonly string[] {
  const selected = namesIn(selection);
  return selected === 'all' ? names.map(({ path }) => path) : selected;
}

/** Names a set of packages in a branch: the same set, the same branch, however much of it is done. */
function branchKey(selection: PackageSelection, packages: readonly PackageVersion[]): string {
  if (selection === 'all') return 'all';
  return sha256(packages.toSorted(comparePackageVersions).map(formatPackageVersion).join('\n')).slice(0, 12);
}

/** Does what is planned; `open` counts what was wanted and may be possible later. */
async function settle<P extends { readonly edit: TreeEdit | undefined }>(
  storage: StorageRepository,
  plan: P,
  open: number,
  dryRun: boolean,
  proposal: Omit<Proposal, 'edit'>,
): Promise<Outcome<P> | undefined> {
  const { branch, base } = proposal;
  if (dryRun) return { plan, branch, pullRequest: undefined, changed: false };
  if (plan.edit === undefined) {
    const changed = open === 0 && (await withdraw(storage, branch, base.branch));
    return { plan, branch, pullRequest: undefined, changed };
  }
  const proposed = await propose(storage, { ...proposal, edit: plan.edit });
  return proposed && { plan, branch, pullRequest: proposed.number, changed: proposed.changed };
}

function describePromotion({ promoted, overwritten }: PromotionPlan, from: string, to: string, reason: string): string {
  const replaced =
    overwritten.length === 0
      ? ''
      : `\nReplaces what \`${to}\` holds${reason === '' ? '' : `, because ${inCode(reason)}`}:\n\n${formatPackageList(overwritten)}`;
  return (
    `Promotes packages from \`${from}\` to \`${to}\`. Name, version and git tree: the trees are the same in both, so what ` +
    `arrives is bit for bit what was there.\n\n${formatPackageList(promoted)}${replaced}\n` +
    `They are removed from \`${from}\` when this is merged and the image of \`${to}\` has them.\n`
  );
}

function describeRemoval({ removed }: RemovalPlan, from: string): string {
  return (
    `Removes packages from \`${from}\`. Each is held, with the same git tree, by a distribution further along, and its ` +
    `published image has it. The check \`slipway / gate\` judges that again until this is merged.\n\n` +
    formatPackageList(removed)
  );
}
