import { requestReviews } from '@slipway/core/github/reviews';
import type { Request } from '@slipway/core/pull-request/request';
import type { Context } from './context.ts';
import { setLabel } from './set-label.ts';
import type { Situation } from './situation.ts';
import { withdraw } from './withdraw.ts';

/** Obeys everything but a release; returns why what was asked for cannot be done, else undefined. */
export async function obey(
  context: Context,
  situation: Situation,
  request: Exclude<Request, { readonly wants: 'release' }>,
  by: string,
): Promise<string | undefined> {
  const { pull } = situation;
  switch (request.wants) {
    case 'kind':
      await setLabel(context, pull, 'kind', request.kind);
      return undefined;
    case 'withdrawal':
      return withdraw(context, situation, by);
    case 'reviews':
      return askForReviews(context, situation, request);
    case 'nothing':
      return request.problem;
  }
}

async function askForReviews(
  { github, repository, doings }: Context,
  { pull: { number, author } }: Situation,
  { users, teams }: Extract<Request, { readonly wants: 'reviews' }>,
): Promise<string | undefined> {
  const others = users.filter((user) => user.toLowerCase() !== author.toLowerCase());
  if (others.length + teams.length === 0) return undefined;
  const names = [...others, ...teams].join(', ');
  const isAsked = await doings.do(`ask ${names} for a review`, () =>
    requestReviews(github, repository, number, { users: others, teams }),
  );
  if (isAsked !== false) return undefined;
  return `GitHub lets none of ${names} be asked for a review at once: each must be able to read the repository.`;
}
