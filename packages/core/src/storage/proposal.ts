import { ActionError, ConfigurationError } from '../errors.ts';
import { isAncestor } from '../github/ancestry.ts';
import { createBranch, findBranchHead, replaceBranch } from '../github/branch.ts';
import { type Commit, readCommit, writeCommit } from '../github/git-data.ts';
import { findOpenPullRequest, openPullRequest, setDraft, updatePullRequest } from '../github/pull-request-change.ts';
import type { StorageRepository } from './storage-repository.ts';
import { type TreeEdit, writeEdit } from './tree-edit.ts';

/** A change to a branch that is put up as a pull request of one commit. */
export interface Proposal {
  /** The branch it is put on: always the same one for the same change, so that a re-run finds it. */
  readonly branch: string;
  readonly base: { readonly branch: string; readonly commit: string };
  readonly edit: TreeEdit;
  readonly title: string;
  /** Lines that follow the title in the commit's message. */
  readonly trailers: readonly string[];
  readonly body: string;
  readonly draft?: boolean;
}

export interface Proposed {
  readonly number: number;
  readonly commit: string;
  /** False when the pull request was there already, just so. */
  readonly changed: boolean;
}

/** Marks the commits that we make with the tree that we gave them: one that was changed by hand has another. */
const TREE_TRAILER = 'Slipway-Tree:';

/** GitHub takes 65,536 characters. */
const BODY_LIMIT = 65_000;

/** How often something may get in between before we give up. */
const ATTEMPTS = 5;

/**
 * Puts a change up as a pull request, or brings the one that is there up to date; undefined when somebody was faster, and
 * it should be planned again.
 */
export async function propose(storage: StorageRepository, proposal: Proposal): Promise<Proposed | undefined> {
  if (proposal.body.length > BODY_LIMIT) {
    throw new ConfigurationError(
      'too-many-packages',
      `The pull request would list more than GitHub takes (${BODY_LIMIT} characters). Take fewer packages at once.`,
    );
  }
  const pushed = await pushCommit(storage, proposal);
  if (pushed === undefined) return undefined;
  const { github, name } = storage;
  const { branch, base, title, body, draft } = proposal;
  const open = await findOpenPullRequest(github, name, branch, base.branch);
  if (open === undefined) {
    const pull = { title, body, head: branch, base: base.branch, ...(draft !== undefined && { draft }) };
    const opened = await openPullRequest(github, name, pull);
    return opened && { number: opened.number, commit: pushed.commit, changed: true };
  }
  const isSame = open.title === title && open.body === body;
  if (!isSame) await updatePullRequest(github, name, open.number, { title, body });
  const changed = pushed.changed || !isSame;
  // While nothing else changes, it is left as somebody has set it.
  if (changed && draft !== undefined && draft !== open.isDraft) await setDraft(github, name, open, draft);
  return { number: open.number, commit: pushed.commit, changed };
}

/** Closes the pull request of a proposal of which nothing is left to do; returns whether there was one. */
export async function withdraw({ github, name }: StorageRepository, branch: string, base: string): Promise<boolean> {
  const open = await findOpenPullRequest(github, name, branch, base);
  if (open === undefined) return false;
  await updatePullRequest(github, name, open.number, { state: 'closed' });
  return true;
}

async function pushCommit(
  storage: StorageRepository,
  proposal: Proposal,
): Promise<{ commit: string; changed: boolean } | undefined> {
  const { github, name } = storage;
  const { branch, base, edit, title, trailers } = proposal;
  const message = `${title}\n\n${[...trailers, `${TREE_TRAILER} ${edit.tree}`].join('\n')}`;
  const head = await findBranchHead(github, name, branch);
  if (head !== undefined) {
    const commit = await readCommit(github, name, head);
    const isOnBase = commit.parents.length === 1 && commit.parents[0] === base.commit;
    if (isOnBase && commit.tree === edit.tree && commit.message.trimEnd() === message) {
      return { commit: head, changed: false };
    }
    if (!(await isOurs(storage, commit, base.commit))) {
      throw new ConfigurationError(
        'branch-taken',
        `The branch '${branch}' of ${name} has the commit ${head}, which is not ours and would be lost. Merge or close its ` +
          'pull request, delete the branch, and run again.',
      );
    }
  }
  await writeEdit(github, name, edit);
  const commit = await writeCommit(github, name, { message, tree: edit.tree, parents: [base.commit] });
  if (head !== undefined) {
    // What somebody has put on it meanwhile is looked at anew, not replaced.
    if ((await findBranchHead(github, name, branch)) !== head) return undefined;
    await replaceBranch(github, name, branch, commit);
  } else if (!(await createBranch(github, name, branch, commit))) {
    const there = await findBranchHead(github, name, branch);
    if (there === undefined) {
      throw new ConfigurationError(
        'branch-refused',
        `GitHub refuses to make the branch '${branch}' of ${name}. Is there one whose name is a part of it, or a rule for it?`,
      );
    }
    // An answer that got lost on the way is sent again, and then it is our own branch that is there.
    if (there !== commit) return undefined;
  }
  return { commit, changed: true };
}

/**
 * Says whether nothing is lost with a branch: it is one commit of ours, which GitHub's button "Update branch" may have
 * merged the base into, any number of times; or the base holds all of it.
 */
async function isOurs(storage: StorageRepository, head: Commit, base: string): Promise<boolean> {
  const { github, name } = storage;
  const isInBase = (commit: string): Promise<boolean> => isAncestor(github, name, commit, base);
  let commit = head;
  for (;;) {
    const [first, merged, ...more] = commit.parents;
    if (first === undefined || merged === undefined || more.length > 0 || !(await isInBase(merged))) break;
    commit = await readCommit(github, name, first);
  }
  const [parent, ...others] = commit.parents;
  const isWritten = commit.message.trimEnd().endsWith(`\n${TREE_TRAILER} ${commit.tree}`);
  if (isWritten && parent !== undefined && others.length === 0 && (await isInBase(parent))) return true;
  return isInBase(head.id);
}

/** The commits at the heads of some branches; undefined where there is no such branch. */
export type Heads = ReadonlyMap<string, string | undefined>;

/** Reads the commits at the heads of some branches, as they are now. */
export async function readHeads({ github, name }: StorageRepository, branches: readonly string[]): Promise<Heads> {
  const read = branches.map(async (branch) => [branch, await findBranchHead(github, name, branch)] as const);
  return new Map(await Promise.all(read));
}

/** Returns the head of a distribution's branch; throws a ConfigurationError when there is none. */
export function requireHead(heads: Heads, branch: string): string {
  const head = heads.get(branch);
  if (head !== undefined) return head;
  throw new ConfigurationError('missing-branch', `There is no branch '${branch}' for the distribution of that name.`);
}

/**
 * Runs `attempt` on the heads of some branches until they are the same afterwards as before: what was planned and written
 * then fits what is there. An attempt that returns undefined is made again.
 */
export async function whileHeadsMove<T>(
  storage: StorageRepository,
  branches: readonly string[],
  attempt: (heads: Heads) => Promise<T | undefined>,
): Promise<T> {
  let heads = await readHeads(storage, branches);
  for (let count = 1; count <= ATTEMPTS; count += 1) {
    const result = await attempt(heads);
    const now = await readHeads(storage, branches);
    if (result !== undefined && branches.every((branch) => now.get(branch) === heads.get(branch))) return result;
    heads = now;
  }
  throw new ActionError(
    'moving-branches',
    `${branches.join(' and ')} of ${storage.name} went on moving while the change was prepared. Run again.`,
  );
}
