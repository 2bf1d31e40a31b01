import { ConfigurationError } from '@slipway/core/errors';
import { findComment, listComments } from '@slipway/core/github/comments';
import { splitRepository } from '@slipway/core/github/pull-request';
import { type PullRequestNow, readPullRequestNow } from '@slipway/core/github/pull-request-now';
import { readCommands } from '@slipway/core/pull-request/commands';
import { readReleaseRecord } from '@slipway/core/pull-request/release-record';
import { type Request, readRequests } from '@slipway/core/pull-request/request';
import { Authority } from './authority.ts';
import { type Context, readBase } from './context.ts';
import { obey } from './obey.ts';
import { makeOutputs, type Outputs } from './outputs.ts';
import { release } from './release.ts';
import { reply } from './reply.ts';
import { placeOf, readSituation } from './situation.ts';
import type { Trigger } from './trigger.ts';

/** Obeys the commands of a comment, when they are somebody's who may command; says why where it does not. */
export async function obeyComment(
  context: Context,
  { number, id, body }: Extract<Trigger, { readonly kind: 'comment' }>,
): Promise<Outputs> {
  const { github, repository } = context;
  const ignore = (reason: string): Outputs => makeOutputs('ignored', reason, { 'pull-request': number });
  const comment = await findComment(github, repository, id);
  if (comment === undefined) return ignore('The comment was deleted.');
  // A comment can be edited by others, and within the second in which it was written.
  if (comment.isEdited || comment.body !== body)
    return ignore('The comment was edited; what it says may not be its author’s.');
  if (comment.isBot) return ignore('The comment is a bot’s.');
  const requests = readRequests(readCommands(comment.body), splitRepository(repository).owner);
  if (requests.length === 0) return ignore('The comment holds no command.');

  const pull = await readPullRequestNow(github, repository, number);
  const commit = pull.headSha;
  if (!pull.isOpen) return ignore('The pull request is closed.');
  const stranger = await complainAboutStranger(context, pull, comment.author);
  if (stranger !== undefined) {
    await reply(context, { pull, comments: await listComments(github, repository, number) }, id, [stranger]);
    return makeOutputs('refused', stranger, { 'pull-request': number, commit });
  }

  const isAboutQueue = requests.some(({ wants }) => wants === 'release' || wants === 'withdrawal');
  const situation = await readSituation(context, number, { isAlone: !isAboutQueue });
  const refused: string[] = [];
  for (const request of requests) {
    if (request.wants === 'release') continue;
    const problem = await obey(context, situation, request, { by: comment.author, comment: id });
    if (problem !== undefined) refused.push(problem);
  }
  let outputs = makeOutputs(refused.length > 0 ? 'refused' : 'updated', refused.join(' ') || 'Done.', {
    'pull-request': number,
    commit,
  });
  const late = wantsRelease(requests) ? await complainAboutWithdrawal(context, situation.pull, id) : undefined;
  if (late !== undefined) {
    refused.push(late);
    outputs = makeOutputs('refused', refused.join(' '), { 'pull-request': number, commit });
  } else if (wantsRelease(requests)) {
    const order = { by: comment.author, reason: undefined, overwrite: false, isResumed: false };
    const now = requests.length > 1 ? await readSituation(context, number) : situation;
    try {
      const outcome = await release(context, now, order, context.inputs['check-images'] ? undefined : 'later');
      refused.push(...outcome.missing);
      outputs = outcome.outputs;
    } catch (error) {
      // The cure is of use to whoever asked, and the log is far away.
      if (error instanceof ConfigurationError) await reply(context, situation, id, [...refused, error.message]);
      throw error;
    }
  }
  if (refused.length > 0) await reply(context, situation, id, refused);
  return outputs;
}

/** Says why somebody may not command; found out before anything else is read, for anybody can write a comment. */
async function complainAboutStranger(
  context: Context,
  { number, author, baseRef }: PullRequestNow,
  login: string,
): Promise<string | undefined> {
  const authority = new Authority(context, { number, author, base: await readBase(context, baseRef) });
  if (await authority.mayCommand(login)) return undefined;
  return `${login} may not command here; that takes ${authority.describe()}.`;
}

/** Says that the release was withdrawn by a later comment: the run of an older one can be started again. */
async function complainAboutWithdrawal(
  { github, repository, self }: Context,
  pull: PullRequestNow,
  comment: number,
): Promise<string | undefined> {
  const stored = await readReleaseRecord(github, repository, placeOf(pull), self);
  const { withdrawnBy, withdrawnIn = 0 } = stored?.record ?? {};
  if (withdrawnBy === undefined || withdrawnIn <= comment) return undefined;
  return `The release was withdrawn by ${withdrawnBy} after this was commanded: comment /queue working-image-pushed again.`;
}

/** Of two commands about the queue the last one holds. */
function wantsRelease(requests: readonly Request[]): boolean {
  return requests.findLast(({ wants }) => wants === 'release' || wants === 'withdrawal')?.wants === 'release';
}
