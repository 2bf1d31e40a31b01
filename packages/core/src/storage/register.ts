import type { Distribution, StorageSettings } from '../configuration/storage.ts';
import { ActionError } from '../errors.ts';
import { advanceBranch } from '../github/branch.ts';
import { writeCommit } from '../github/git-data.ts';
import { sha256 } from '../util/content.ts';
import { checkNotFrozen, furtherAlong } from './direction.ts';
import { editPackages } from './edit-packages.ts';
import { type Further, readFurther, refuseOtherContent } from './further.ts';
import { ownerIn, type PackageDirectory, type PackageOwner, RELEASE_RECORD } from './package-directory.ts';
import { comparePackageVersions, formatPackageVersion, type PackageTree } from './package-version.ts';
import { findTree, listVersions, type Packages, readPackages } from './packages.ts';
import { type Refusal, refuseOverwrite } from './promotion.ts';
import { propose, readHeads, requireHead } from './proposal.ts';
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
  readonly owner: PackageOwner;
}

/** How often somebody may be faster before we give up. */
const ATTEMPTS = 8;

/**
 * Adds package versions to the branch of a distribution, by one commit on its head. Somebody who is faster makes it no
 * fast forward: then it is planned again on the new head, and nothing of theirs is lost.
 *
 * A version that is there with the same content is left alone, here as well as further along, where it may have been
 * promoted to meanwhile. With other content it is refused, unless the policy lets it be replaced. What is replaced must be
 * an earlier release of the same plugin out of the same repository, as its release record says; and so must the newest
 * version of that name be, for a new one takes its place for everybody who asks for the newest.
 */
export async function register(storage: StorageRepository, request: RegisterRequest): Promise<Registered> {
  const { settings, distribution, directories } = request;
  checkNotFrozen(distribution);
  const trees = directories.map((directory) => ({ ...directory, edit: treeOfFiles(directory.files) }));
  const wanted = trees.map(({ name, version, owner, edit }) => ({ name, version, owner, tree: edit.tree }));
  const names = wanted.map(({ name }) => name);
  const further = furtherAlong(settings, distribution);
  const watched = [distribution, ...further].map((each) => each.name);
  const written = new Set<string>();
  for (let count = 1; count <= ATTEMPTS; count += 1) {
    const heads = await readHeads(storage, watched);
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

async function planRegistration(
  storage: StorageRepository,
  wanted: readonly PluginTree[],
  packages: Packages,
  distribution: Distribution,
  further: readonly Further[],
): Promise<RegisterPlan> {
  const everywhere = [packages, ...further.map((each) => each.packages)].flatMap(listVersions);
  const judging = wanted.map(async ({ owner, ...version }) => {
    const there = findTree(packages, version);
    const isFurther = further.some(({ packages: held }) => findTree(held, version) !== undefined);
    const isThere = there === version.tree || isFurther;
    const earlier = there === undefined ? newestOf(everywhere, version.name) : { ...version, tree: there };
    const reason =
      refuseOtherContent(version, further) ??
      refuseOverwrite(version, there, distribution, false) ??
      (isThere || earlier === undefined ? undefined : await refuseForeign(storage, version, earlier, owner));
    return { version, there, reason, isThere };
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

function newestOf(versions: readonly PackageTree[], name: string): PackageTree | undefined {
  return versions
    .filter((version) => version.name === name)
    .sort(comparePackageVersions)
    .at(-1);
}

/** Returns why a release of `owner` must not come after `earlier` or replace it, undefined when both are of one plugin. */
async function refuseForeign(
  { trees, blobs }: StorageRepository,
  version: PackageTree,
  earlier: PackageTree,
  owner: PackageOwner,
): Promise<string | undefined> {
  const record = (await trees.read(earlier.tree)).find(({ path }) => path === RELEASE_RECORD);
  const isFile = record?.mode === '100644' || record?.mode === '100755';
  const found = isFile ? ownerIn(await blobs.read(record.id)) : undefined;
  if (found !== undefined && isSameOwner(found, owner)) return undefined;
  const [older, newer] = [formatPackageVersion(earlier), formatPackageVersion(version)];
  const whose = found === undefined ? `has no ${RELEASE_RECORD} of a plugin` : `is of ${formatOwner(found)}`;
  const problem =
    older === newer
      ? `${older} is there already, with the tree ${earlier.tree}, which ${whose} and would be lost for ${formatOwner(owner)}`
      : `'${version.name}' is another package: ${older} ${whose}, and ${newer} is of ${formatOwner(owner)}`;
  return (
    `${problem}. Give the plugin another name; or, if it is the same one and has moved, bring one new version by a pull ` +
    `request, with a ${RELEASE_RECORD} that says "repository": "${owner.repository}".`
  );
}

/** GitHub's names are the same in capitals and small letters. */
function isSameOwner(one: PackageOwner, other: PackageOwner): boolean {
  return one.plugin === other.plugin && one.repository.toLowerCase() === other.repository.toLowerCase();
}

function formatOwner({ plugin, repository }: PackageOwner): string {
  return `the plugin '${plugin}' of ${repository}`;
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
