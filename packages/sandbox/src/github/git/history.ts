import { gitText, runGit } from './git-command.ts';
import type { GitRepository } from './git-repository.ts';

/** The best common ancestor of two commits; undefined where their histories are unrelated. */
export async function mergeBase(git: GitRepository, one: string, other: string): Promise<string | undefined> {
  const { stdout } = await runGit(git.directory, ['merge-base', one, other], { accept: [0, 1] });
  return stdout.toString().trim() || undefined;
}

export async function isAncestor(git: GitRepository, ancestor: string, of: string): Promise<boolean> {
  const args = ['merge-base', '--is-ancestor', ancestor, of];
  return (await runGit(git.directory, args, { accept: [0, 1] })).code === 0;
}

/** How many commits only `base` has, and how many only `head`. */
export async function countDivergence(
  git: GitRepository,
  base: string,
  head: string,
): Promise<{ behind: number; ahead: number }> {
  const counts = await gitText(git.directory, ['rev-list', '--left-right', '--count', `${base}...${head}`]);
  const [behind = 0, ahead = 0] = counts.split('\t').map(Number);
  return { behind, ahead };
}

/** The commits that `head` has and `base` has not, oldest first. */
export async function commitsBetween(git: GitRepository, base: string, head: string): Promise<string[]> {
  const lines = await gitText(git.directory, ['rev-list', '--reverse', '--topo-order', `${base}..${head}`]);
  return lines === '' ? [] : lines.split('\n');
}

/** Merges two commits in memory and returns the tree; undefined where they conflict. */
export async function mergeTrees(git: GitRepository, ours: string, theirs: string): Promise<string | undefined> {
  const args = ['merge-tree', '--write-tree', '--no-messages', '-z', ours, theirs];
  // 128: the histories have no common ancestor.
  const { code, stdout } = await runGit(git.directory, args, { accept: [0, 1, 128] });
  return code === 0 ? stdout.toString().slice(0, 40) : undefined;
}
