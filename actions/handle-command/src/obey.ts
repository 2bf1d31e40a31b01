import { openGitHub } from '@slipway/core/action/github-access';
import { ConfigurationError, messageOf } from '@slipway/core/errors';
import { requestReviews } from '@slipway/core/github/reviews';
import type { Request } from '@slipway/core/pull-request/request';
import type { Context } from './context.ts';
import { setLabel } from './set-label.ts';
import type { Situation } from './situation.ts';
import { type Commander, withdraw } from './withdraw.ts';

/** Obeys everything but a release; returns why what was asked for cannot be done, else undefined. */
export async function obey(
  context: Context,
  situation: Situation,
  request: Exclude<Request, { readonly wants: 'release' }>,
  commander: Commander,
): Promise<string | undefined> {
  const { pull } = situation;
  switch (request.wants) {
    case 'kind':
      await setLabel(context, pull, 'kind', request.kind);
      return undefined;
    case 'withdrawal':
      return withdraw(context, situation, commander);
    case 'reviews':
      return askForReviews(context, situation, request);
    case 'nothing':
      return request.problem;
  }
}

/** Asks users and teams apart: a name that cannot be asked keeps none of the others from it. */
async function askForReviews(
  context: Context,
  { pull: { number, author } }: Situation,
  { users, teams }: Extract<Request, { readonly wants: 'reviews' }>,
): Promise<string | undefined> {
  const { github, repository, doings } = context;
  const problems: string[] = [];
  const others = users.filter((user) => user.toLowerCase() !== author.toLowerCase());
  if (others.length > 0) {
    const names = others.join(', ');
    const isAsked = await doings.do(`ask ${names} for a review`, () =>
      requestReviews(github, repository, number, { users: others, teams: [] }),
    );
    if (isAsked === false) {
      problems.push(
        `GitHub lets none of ${names} be asked for a review at once: each must be able to read the repository.`,
      );
    }
  }
  if (teams.length > 0) {
    const names = teams.join(', ');
    const problem = await doings.do(`ask the team ${names} for a review`, () => askTeams(context, number, teams));
    if (problem !== undefined) problems.push(problem);
  }
  return problems.length > 0 ? problems.join(' ') : undefined;
}

/** A team is known only to who may see the organisation's members, which no job may. */
const TEAM_ASKER = { pull_requests: 'write', members: 'read' } as const;

async function askTeams(
  { inputs, runtime, repository }: Context,
  number: number,
  teams: readonly string[],
): Promise<string | undefined> {
  const names = teams.join(', ');
  const takes =
    "that takes a GitHub App with the permissions 'pull-requests: write' and 'members: read', and a team that can read " +
    'the repository';
  try {
    const { github } = await openGitHub(repository, TEAM_ASKER, inputs, runtime);
    const isAsked = await requestReviews(github, repository, number, { users: [], teams });
    return isAsked ? undefined : `GitHub does not let the team ${names} be asked for a review: ${takes}.`;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    runtime.log.warning(messageOf(error));
    return `The team ${names} cannot be asked for a review: ${takes}.`;
  }
}
