import type { Distribution, StorageSettings } from '../configuration/storage.ts';
import { ActionError } from '../errors.ts';
import { findMergeBase } from '../github/ancestry.ts';
import type { PullRequest } from '../github/pull-request.ts';
import { readPullRequest } from '../github/pull-request.ts';
import { listPullRequestMessages } from '../github/pull-request-messages.ts';
import type { Repository } from '../registry/repository.ts';
import { checkPackages } from './check-package.ts';
import { checkRoot } from './check-root.ts';
import { furtherAlong } from './direction.ts';
import { type Further, readFurther, refuseOtherContent } from './further.ts';
import type { Ground } from './gate-ground.ts';
import { judgeRemoval, readHolders } from './holder.ts';
import { changedNames, type MergedChange, mergeChanges, pathOf } from './merged-changes.ts';
import type { PackageTree } from './package-version.ts';
import { addNames, isBlocked, type Packages, readPackages } from './packages.ts';
import { OVERWRITE_TRAILER } from './promote.ts';
import { type Refusal, refuseOverwrite } from './promotion.ts';
import { type Heads, requireHead, whileHeadsMove } from './proposal.ts';
import type { StorageRepository } from './storage-repository.ts';
import { titlePrefix } from './title.ts';

export interface GateRequest {
  readonly settings: StorageSettings;
  /** The distribution that must hold what is removed; undefined is any further along. */
  readonly to: Distribution | undefined;
  /** Where the images of the distributions are; asked for only when something is removed. */
  readonly openImages: () => Promise<Repository>;
}

/** What merging a pull request to a distribution's branch would do, and what speaks against it. */
export interface Verdict {
  readonly pullRequest: number;
  readonly distribution: string;
  readonly headSha: string;
  readonly added: readonly PackageTree[];
  readonly removed: readonly PackageTree[];
  readonly refused: readonly Refusal[];
  /** What is wrong besides refused removals. */
  readonly problems: readonly string[];
}

/** A verdict, and what it rests on. */
export interface Judged {
  readonly verdict: Verdict;
  readonly ground: Ground;
}

/**
 * Judges a pull request to the branch of a distribution: its title, the directories of the package versions that it
 * brings, and every version that would be gone after the merge. A verdict holds for the heads it was made on, so it is
 * made again when one of them moved meanwhile; undefined when the pull request is to no distribution.
 */
export async function judgePullRequest(
  storage: StorageRepository,
  number: number,
  request: GateRequest,
): Promise<Judged | undefined> {
  const { settings } = request;
  const { baseRef } = await readPullRequest(storage.github, storage.name, number);
  const distribution = settings.distributions.find(({ name }) => name === baseRef);
  if (distribution === undefined) return undefined;
  const further = furtherAlong(settings, distribution);
  const watched = [distribution, ...further].map(({ name }) => name);
  return whileHeadsMove(storage, watched, async (heads) => {
    const pull = await readPullRequest(storage.github, storage.name, number);
    const judged = await judge(storage, pull, distribution, further, heads, request);
    const after = await readPullRequest(storage.github, storage.name, number);
    const isSame = after.headSha === pull.headSha && after.title === pull.title && after.baseRef === baseRef;
    if (isSame) return judged;
    if (pull.baseRef === baseRef && after.baseRef === baseRef) return undefined;
    throw new ActionError('retargeted', `Pull request #${number} was turned to another branch meanwhile. Run again.`);
  });
}

async function judge(
  storage: StorageRepository,
  pull: PullRequest,
  distribution: Distribution,
  further: readonly Distribution[],
  heads: Heads,
  { to, openImages }: GateRequest,
): Promise<Judged> {
  const { number: pullRequest, headSha } = pull;
  const problems = checkTitle(pull.title, distribution);
  const head = requireHead(heads, distribution.name);
  const mergeBase = await findMergeBase(storage.github, storage.name, head, headSha);
  const verdict = { pullRequest, distribution: distribution.name, headSha };
  if (mergeBase === undefined) {
    const unrelated = `The head ${headSha} has no history in common with '${distribution.name}'. Start from its branch.`;
    return {
      verdict: { ...verdict, added: [], removed: [], refused: [], problems: [...problems, unrelated] },
      ground: { pull, heads, images: new Map() },
    };
  }
  problems.push(...(await checkRoot(storage.trees, mergeBase, headSha)));
  const changes = await readChanges(storage, mergeBase, head, headSha);
  const added = changes.flatMap(asAdded);
  const removed = changes.flatMap(asRemoved);
  const isAllowed = distribution.overwrite === 'on-request' && changes.some(({ kind }) => kind === 'overwritten');
  const hasReason = isAllowed && (await isOverwriteExplained(storage, pullRequest));
  problems.push(...changes.flatMap((change) => judgeChange(change, distribution, hasReason)));
  problems.push(...(await checkPackages(storage, headSha, added)));
  problems.push(...judgeAgainstFurther(added, await readFurther(storage.trees, heads, further, namesOf(added))));
  const holding = further.filter(({ name }) => to === undefined || name === to.name);
  const { refused, images } = await judgeRemovals(storage, removed, distribution, holding, heads, openImages);
  return { verdict: { ...verdict, added, removed, refused, problems }, ground: { pull, heads, images } };
}

function checkTitle(title: string, { name, frozen }: Distribution): string[] {
  const prefix = titlePrefix(name);
  return [
    ...(frozen ? [`'${name}' is frozen: nothing of it may change any more.`] : []),
    ...(title.startsWith(prefix) && title.slice(prefix.length).trim() !== ''
      ? []
      : [`The title must begin with '${prefix}', so that pull requests of the branches can be told apart.`]),
  ];
}

async function readChanges(
  { trees }: StorageRepository,
  mergeBase: string,
  base: string,
  head: string,
): Promise<MergedChange[]> {
  // Where `packages` is no directory, there are none: all of them are gone then.
  const read = async (commit: string): Promise<Packages> => {
    const root = await trees.read(commit);
    return isBlocked(root) ? { commit, root, names: [], versions: new Map() } : readPackages(trees, commit, []);
  };
  const [ofMergeBase, ofBase, ofHead] = await Promise.all([read(mergeBase), read(base), read(head)]);
  const names = changedNames(ofMergeBase, ofHead);
  const withNames = (packages: Packages): Promise<Packages> => addNames(trees, packages, names);
  return mergeChanges(await withNames(ofMergeBase), await withNames(ofBase), await withNames(ofHead));
}

function asAdded({ kind, name, version, after }: MergedChange): PackageTree[] {
  return (kind === 'added' || kind === 'overwritten') && after !== undefined ? [{ name, version, tree: after }] : [];
}

function namesOf(versions: readonly PackageTree[]): string[] {
  return versions.map(({ name }) => name);
}

function judgeAgainstFurther(added: readonly PackageTree[], further: readonly Further[]): string[] {
  return added.map((version) => refuseOtherContent(version, further)).filter((reason) => reason !== undefined);
}

/** What is no directory any more is as gone as what is removed. */
function asRemoved({ kind, name, version, before }: MergedChange): PackageTree[] {
  return (kind === 'removed' || kind === 'no-directory') && before !== undefined
    ? [{ name, version, tree: before }]
    : [];
}

function judgeChange(change: MergedChange, distribution: Distribution, hasReason: boolean): string[] {
  const { kind, name, version, before, after } = change;
  switch (kind) {
    case 'conflict':
      return [
        `${pathOf(change)}: this pull request and '${distribution.name}' have both changed it. Bring the branch up to date.`,
      ];
    case 'no-directory':
      return [`${pathOf(change)} is no directory. Only \`<name>/<version>/\` may stand below \`packages/\`.`];
    case 'overwritten': {
      const problem = refuseOverwrite({ name, version, tree: after ?? '' }, before, distribution, hasReason);
      const cure = `, in a commit whose message has a line '${OVERWRITE_TRAILER} …'`;
      return problem === undefined ? [] : [problem.replace(/ and a reason\.$/, ` and a reason${cure}.`)];
    }
    default:
      return [];
  }
}

async function isOverwriteExplained({ github, name }: StorageRepository, number: number): Promise<boolean> {
  const messages = await listPullRequestMessages(github, name, number);
  return messages.some((message) => message.split('\n').some((line) => explains(line)));
}

function explains(line: string): boolean {
  return line.startsWith(OVERWRITE_TRAILER) && line.slice(OVERWRITE_TRAILER.length).trim() !== '';
}

async function judgeRemovals(
  storage: StorageRepository,
  removed: readonly PackageTree[],
  { name, removal }: Distribution,
  holding: readonly Distribution[],
  heads: Heads,
  openImages: () => Promise<Repository>,
): Promise<{ refused: readonly Refusal[]; images: Ground['images'] }> {
  if (removed.length === 0) return { refused: [], images: new Map() };
  if (removal === 'never') {
    const reason = `Nothing is ever removed from '${name}'.`;
    return { refused: removed.map((version) => ({ ...version, reason })), images: new Map() };
  }
  const holders = await readHolders(storage, holding, heads, namesOf(removed), await openImages());
  const refused = removed.flatMap((version) => {
    const { verdict, reason } = judgeRemoval(version, holders);
    return verdict === 'removable' ? [] : [{ ...version, reason }];
  });
  // Where there is no branch, nobody looked at the image; and when there is one, that is seen.
  const looked = holders.filter(({ packages }) => packages !== undefined);
  return { refused, images: new Map(looked.map(({ tag, digest }) => [tag, digest])) };
}
