import { createComment, updateComment } from '@slipway/core/github/comments';
import { cut, formatList } from '@slipway/core/pull-request/status-comment';
import type { Context } from './context.ts';
import type { Situation } from './situation.ts';

/** Answers a comment that was not obeyed; one that is handled again gets its answer changed, and not a second one. */
export async function reply(
  { github, repository, self, doings }: Context,
  { pull: { number }, comments }: { readonly pull: { readonly number: number } } & Pick<Situation, 'comments'>,
  commentId: number,
  problems: readonly string[],
): Promise<void> {
  const marker = `<!-- slipway: reply to ${commentId} -->`;
  const body = cut(`${marker}\n**This was not done:**\n\n${formatList(problems)}\n`);
  const known = comments.find((comment) => comment.author === self && comment.body.split(/\r?\n/, 1)[0] === marker);
  if (known === undefined) {
    await doings.do('answer what is missing', () => createComment(github, repository, number, body));
  } else if (known.body.replaceAll('\r\n', '\n').trim() !== body.trim()) {
    await doings.do('correct the answer', () => updateComment(github, repository, known.id, body));
  }
}
