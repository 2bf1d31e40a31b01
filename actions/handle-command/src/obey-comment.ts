import { ConfigurationError } from '@slipway/core/errors';
import { findComment } from '@slipway/core/github/comments';
import { splitRepository } from '@slipway/core/github/pull-request';
import { readCommands } from '@slipway/core/pull-request/commands';
import { type Request, readRequests } from '@slipway/core/pull-request/request';
import type { Context } from './context.ts';
import { obey } from './obey.ts';
import { makeOutputs, type Outputs } from './outputs.ts';
import { release } from './release.ts';
import { reply } from './reply.ts';
import { readSituation } from './situation.ts';
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

  const situation = await readSituation(context, number);
  const { pull, authority } = situation;
  const commit = pull.headSha;
  if (!pull.isOpen) return ignore('The pull request is closed.');
  if (!(await authority.mayCommand(comment.author))) {
    const problem = `${comment.author} may not command here; that takes ${authority.describe()}.`;
    await reply(context, situation, id, [problem]);
    return makeOutputs('refused', problem, { 'pull-request': number, commit });
  }

  const refused: string[] = [];
  for (const request of requests) {
    if (request.wants === 'release') continue;
    const problem = await obey(context, situation, request, comment.author);
    if (problem !== undefined) refused.push(problem);
  }
  let outputs = makeOutputs(refused.length > 0 ? 'refused' : 'updated', refused.join(' ') || 'Done.', {
    'pull-request': number,
    commit,
  });
  if (wantsRelease(requests)) {
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

/** Of two commands about the queue the last one holds. */
function wantsRelease(requests: readonly Request[]): boolean {
  return requests.findLast(({ wants }) => wants === 'release' || wants === 'withdrawal')?.wants === 'release';
}
