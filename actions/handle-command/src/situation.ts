import { type Comment, listComments } from '@slipway/core/github/comments';
import { type PullRequestNow, readPullRequestNow } from '@slipway/core/github/pull-request-now';
import { type LoadedChange, loadPullRequest } from '@slipway/core/pull-request/load-change';
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

/** Reads all of it; throws a ConfigurationError when somebody pushes meanwhile. */
export async function readSituation(context: Context, number: number): Promise<Situation> {
  const { github, repository, runtime } = context;
  const pull = await readPullRequestNow(github, repository, number);
  const address = { github, repository, number, headSha: pull.headSha };
  const change = await loadPullRequest(address, (files) => configure(files, context), runtime.log);
  const base = { configuration: change.configuration, owners: change.owners };
  return {
    pull,
    change,
    comments: await listComments(github, repository, number),
    authority: new Authority(context, { number, author: pull.author, base }),
  };
}
