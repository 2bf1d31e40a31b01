import { type Comment, listComments } from '@slipway/core/github/comments';
import { type PullRequestNow, readPullRequestNow } from '@slipway/core/github/pull-request-now';
import { type LoadedChange, loadPullRequest } from '@slipway/core/pull-request/load-change';
import type { ReleasePlace } from '@slipway/core/pull-request/release-record';
import { Authority } from './authority.ts';
import { type Context, configure } from './context.ts';

/** A pull request as it is at one head: what it changes, what was said about it, and who may do what. */
export interface Situation {
  readonly pull: PullRequestNow;
  readonly change: LoadedChange;
  /** The oldest first. */
  readonly comments: readonly Comment[];
  readonly authority: Authority;
}

/** Returns where the release of a pull request is recorded, at the head that was read. */
export function placeOf({ headSha, number }: Pick<PullRequestNow, 'headSha' | 'number'>): ReleasePlace {
  return { commit: headSha, pullRequest: number };
}

/**
 * Reads all of it; throws a ConfigurationError when somebody pushes meanwhile. The other open pull requests are left out
 * where it `isAlone`: nothing is judged then.
 */
export async function readSituation(
  context: Context,
  number: number,
  { isAlone = false }: { readonly isAlone?: boolean } = {},
): Promise<Situation> {
  const { github, repository, runtime } = context;
  const pull = await readPullRequestNow(github, repository, number);
  const address = { github, repository, number, headSha: pull.headSha, isAlone };
  const change = await loadPullRequest(address, (files) => configure(files, context), runtime.log);
  const { configuration, owners, ownersProblem } = change;
  const base = { configuration, owners, ownersProblem };
  return {
    pull,
    change,
    comments: await listComments(github, repository, number),
    authority: new Authority(context, { number, author: pull.author, base }),
  };
}
