import type { Distribution, StorageSettings } from '../configuration/storage.ts';
import { ActionError } from '../errors.ts';
import { advanceBranch, findBranchHead } from '../github/branch.ts';
import { writeCommit } from '../github/git-data.ts';
import { sha256 } from '../util/content.ts';
import { checkNotFrozen, furtherAlong } from './direction.ts';
import { editPackages } from './edit-packages.ts';
import { type Further, readFurther, refuseOtherContent } from './further.ts';
import { type PackageDirectory, pluginIn, RELEASE_RECORD } from './package-directory.ts';
import { formatPackageVersion, type PackageTree } from './package-version.ts';
import { findTree, type Packages, readPackages } from './packages.ts';
import { type Refusal, refuseOverwrite } from './promotion.ts';
import { propose, requireHead } from './proposal.ts';
import type { StorageRepository } from './storage-repository.ts';
import { formatPackageList, formatTitle, WORDINGS } from './title.ts';
import { type TreeEdit, treeOfFiles, writeEdit, writeFiles } from './tree-edit.ts';

export interface RegisterRequest {
  readonly settings: StorageSettings;
  readonly distribution: Distribution;
  readonly directories: readonly PackageDirectory[];
  /** Plans and stops. */
  readonly dryRun: boolean;
}

/** What a registration would do; printed as it is. */
export interface RegisterPlan {
  readonly added: readonly PackageTree[];
  /** Those of `added` that replace other content, with the tree that is there now. */
  readonly overwritten: readonly PackageTree[];
  /** What is there already, here or further along. */
  readonly unchanged: readonly PackageTree[];
  readonly refused: readonly Refusal[];
}

export interface Registered {
  readonly plan: RegisterPlan;
  /** The commit that holds what was registered: a new one, or the head when there was nothing to do. */
  readonly commit: string;
  /** Set where the policy wants a pull request. */
  readonly pullRequest: number | undefined;
  readonly changed: boolean;
}

/** A package version to register, and the plugin that it is a release of. */
interface PluginTree extends PackageTree {
  readonly plugin: string;
}

/** How often somebody may be faster before we give up. */
const ATTEMPTS = 8;

/**
 * Adds package versions to the branch of a distribution, by one commit on its head. Somebody who is faster makes it no
 * fast forward: then it is planned again on the new head, and nothing of theirs is lost.
 *
 * A version that is there with the same content is left alone, here as well as further along, where it may have been
 * promoted to meanwhile. With other content it is refused, unless the policy lets it be replaced; and what is replaced
 * must be an earlier release of the same plugin, as its release record says.
 */
export async function register(storage: StorageRepository, request: RegisterRequest): Promise<Registered> {
  const { settings, distribution, directories } = request;
  checkNotFrozen(distribution);
  const trees = directories.map((directory) => ({ ...directory, edit: treeOfFiles(directory.files) }));
  const wanted = trees.map(({ name, version, plugin, edit }) => ({ name, version, plugin, tree: edit.tree }));
  const names = wanted.map(({ name }) => name);
  const further = furtherAlong(settings, distribution);
  const written = new Set<string>();
  for (let count = 1; count <= ATTEMPTS; count += 1) {
    const heads = await readHeads(storage, [distribution, ...further]);
    const head = requireHead(heads, distribution.name);
    const packages = await readPackages(storage.trees, head, names);
    const held = await readFurther(storage.trees, heads, further, names);
    const plan = await planRegistration(storage, wanted, packages, distribution, held);
    if (plan.added.length === 0 || request.dryRun)
      return { plan, commit: head, pullRequest: undefined, changed: false };
    const edit = editPackages(packages, plan.added);
    for (const { files, edit: own } of trees) {
      if (written.has(own.tree) || !plan.added.some(({ tree }) => tree === own.tree)) continue;
      await writeFiles(storage.github, storage.name, files);
      await writeEdit(storage.github, storage.name, own);
      written.add(own.tree);
    }
    const result = await (distribution.add === 'commit' ? push : proposeRegistration)(
      storage,
      distribution.name,
      head,
      plan,
      edit,
    );
    if (result !== undefined) return { plan, ...result };
  }
  throw new ActionError(
    'moving-branches',
    `'${distribution.name}' of ${storage.name} went on moving while packages were registered. Run again.`,
  );
}

async function readHeads({ github, name }: StorageRepository, distributions: readonly Distribution[]) {
  const read = distributions.map(async (each) => [each.name, await findBranchHead(github, name, each.name)] as const);
  return new Map(await Promise.all(read));
}

async function planRegistration(
  storage: StorageRepository,
  wanted: readonly PluginTree[],
  packages: Packages,
  distribution: Distribution,
  further: readonly Further[],
): Promise<RegisterPlan> {
  const judging = wanted.map(async ({ plugin, ...version }) => {
    const there = findTree(packages, version);
    const isFurther = further.some(({ packages: held }) => findTree(held, version) !== undefined);
    const reason =
      refuseOtherContent(version, further) ??
      refuseOverwrite(version, there, distribution, false) ??
      (await refuseForeign(storage, version, there, plugin));
    return { version, there, reason, isThere: there === version.tree || isFurther };
  });
  const judged = await Promise.all(judging);
  const added = judged.filter(({ reason, isThere }) => reason === undefined && !isThere);
  return {
    added: added.map(({ version }) => version),
    overwritten: added.flatMap(({ version, there }) => (there === undefined ? [] : [{ ...version, tree: there }])),
    unchanged: judged.filter(({ reason, isThere }) => reason === undefined && isThere).map(({ version }) => version),
    refused: judged.flatMap(({ version, reason }) => (reason === undefined ? [] : [{ ...version, reason }])),
  };
}

/** Returns why the tree that is `there` must not be replaced by a release of `plugin`, undefined when it may. */
async function refuseForeign(
  { trees, blobs }: StorageRepository,
  version: PackageTree,
  there: string | undefined,
  plugin: string,
): Promise<string | undefined> {
  if (there === undefined || there === version.tree) return undefined;
  const record = (await trees.read(there)).find(({ path }) => path === RELEASE_RECORD);
  const isFile = record?.mode === '100644' || record?.mode === '100755';
  const owner = isFile ? pluginIn(await blobs.read(record.id)) : undefined;
  if (owner === plugin) return undefined;
  const whose = owner === undefined ? `has no ${RELEASE_RECORD} of a plugin` : `is of the plugin '${owner}'`;
  return (
    `${formatPackageVersion(version)} is there already, with the tree ${there}, which ${whose} and would be lost for ` +
    `'${plugin}'. Remove it first, or give the plugin another name.`
  );
}

type Written = Omit<Registered, 'plan'>;

async function push(
  { github, name }: StorageRepository,
  branch: string,
  head: string,
  { added }: RegisterPlan,
  edit: TreeEdit,
): Promise<Written | undefined> {
  await writeEdit(github, name, edit);
  const message = formatTitle(branch, WORDINGS.register, added);
  const commit = await writeCommit(github, name, { message, tree: edit.tree, parents: [head] });
  const isMoved = await advanceBranch(github, name, branch, commit);
  return isMoved ? { commit, pullRequest: undefined, changed: true } : undefined;
}

async function proposeRegistration(
  storage: StorageRepository,
  branch: string,
  head: string,
  { added }: RegisterPlan,
  edit: TreeEdit,
): Promise<Written | undefined> {
  const proposed = await propose(storage, {
    branch: `register/${branch}/${sha256(added.map(formatPackageVersion).join('\n')).slice(0, 12)}`,
    base: { branch, commit: head },
    edit,
    title: formatTitle(branch, WORDINGS.register, added),
    trailers: [],
    body: `Registers released packages. Name, version and git tree:\n\n${formatPackageList(added)}`,
  });
  return proposed && { commit: proposed.commit, pullRequest: proposed.number, changed: proposed.changed };
}
