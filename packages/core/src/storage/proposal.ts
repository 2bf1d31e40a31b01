import { ActionError, ConfigurationError } from '../errors.ts';
import { createBranch, findBranchHead, replaceBranch } from '../github/branch.ts';
import { readCommit, writeCommit } from '../github/git-data.ts';
import { findOpenPullRequest, openPullRequest, updatePullRequest } from '../github/pull-request-change.ts';
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
  /** Recognises the first line of a commit that we have made. */
  readonly isOurs: (subject: string) => boolean;
}

export interface Proposed {
  readonly number: number;
  readonly commit: string;
  /** False when the pull request was there already, just so. */
  readonly changed: boolean;
}

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
  return { number: open.number, commit: pushed.commit, changed: pushed.changed || !isSame };
}

/** Closes the pull request of a proposal of which nothing is left to do; returns whether there was one. */
export async function withdraw({ github, name }: StorageRepository, branch: string, base: string): Promise<boolean> {
  const open = await findOpenPullRequest(github, name, branch, base);
  if (open === undefined) return false;
  await updatePullRequest(github, name, open.number, { state: 'closed' });
  return true;
}

async function pushCommit(
  { github, name }: StorageRepository,
  proposal: Proposal,
): Promise<{ commit: string; changed: boolean } | undefined> {
  const { branch, base, edit, title, trailers } = proposal;
  const message = trailers.length === 0 ? title : `${title}\n\n${trailers.join('\n')}`;
  const head = await findBranchHead(github, name, branch);
  if (head !== undefined) {
    const commit = await readCommit(github, name, head);
    const isOnBase = commit.parents.length === 1 && commit.parents[0] === base.commit;
    if (isOnBase && commit.tree === edit.tree && commit.message.trimEnd() === message) {
      return { commit: head, changed: false };
    }
    // GitHub's button "Update branch" merges the base into it: what was ours is the first parent then.
    const [first = head, merged] = commit.parents;
    const own = merged === undefined ? commit : await readCommit(github, name, first);
    if (own.parents.length !== 1 || !proposal.isOurs(own.message.split('\n', 1)[0] ?? '')) {
      throw new ConfigurationError(
        'branch-taken',
        `The branch '${branch}' of ${name} has the commit ${head}, which is not ours and would be lost. Merge or close its ` +
          'pull request, delete the branch, and run again.',
      );
    }
  }
  await writeEdit(github, name, edit);
  const commit = await writeCommit(github, name, { message, tree: edit.tree, parents: [base.commit] });
  if (head !== undefined) await replaceBranch(github, name, branch, commit);
  else if (!(await createBranch(github, name, branch, commit))) {
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

/** The commits at the heads of some branches; undefined where there is no such branch. */
export type Heads = ReadonlyMap<string, string | undefined>;

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
  const readHeads = async (): Promise<Heads> => {
    const read = branches.map(
      async (branch) => [branch, await findBranchHead(storage.github, storage.name, branch)] as const,
    );
    return new Map(await Promise.all(read));
  };
  let heads = await readHeads();
  for (let count = 1; count <= ATTEMPTS; count += 1) {
    const result = await attempt(heads);
    const now = await readHeads();
    if (result !== undefined && branches.every((branch) => now.get(branch) === heads.get(branch))) return result;
    heads = now;
  }
  throw new ActionError(
    'moving-branches',
    `${branches.join(' and ')} of ${storage.name} went on moving while the change was prepared. Run again.`,
  );
}
