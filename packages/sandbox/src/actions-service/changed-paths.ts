import { gitText } from '../github/git/git-command.ts';
import type { GitRepository } from '../github/git/git-repository.ts';
import { mergeBase } from '../github/git/history.ts';
import { emptyTree } from '../github/git/objects.ts';
import { pushedCommits } from '../github/pushes.ts';

/** GitHub looks at no more files, and gives up looking for a push of more commits. */
const limits = { files: 300, commits: 1000 };

/** The files that a push changes; undefined where GitHub does not look and every filter of paths lets it through. */
export async function pathsOfPush(
  git: GitRepository,
  before: string | null,
  after: string,
  ref: string,
): Promise<readonly string[] | undefined> {
  const commits = await pushedCommits(git, before, after, ref);
  if (commits.length > limits.commits) return undefined;
  if (before !== null) return changedPaths(git, before, after);
  // A new branch is compared with where its first new commit starts from.
  const [first] = commits;
  const from = first === undefined ? after : ((await git.commit(first))?.parents[0] ?? emptyTree);
  return changedPaths(git, from, after);
}

/** The files that a pull request changes since it left its base. */
export async function pathsOfPull(git: GitRepository, base: string, head: string): Promise<readonly string[]> {
  return changedPaths(git, (await mergeBase(git, base, head)) ?? base, head);
}

async function changedPaths(git: GitRepository, from: string, to: string): Promise<string[]> {
  const diff = ['diff-tree', '-r', '--no-renames', '--name-only', '-z', from, to];
  const names = (await gitText(git.directory, diff)).split('\0').filter((name) => name !== '');
  return names.slice(0, limits.files);
}
