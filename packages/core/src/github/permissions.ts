import { ConfigurationError } from '../errors.ts';
import type { GitHub } from './connect.ts';
import { AnswerReader } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';

/** What somebody may do in a repository, in GitHub's old words: maintain counts as write, triage as read. */
export type Permission = 'admin' | 'write' | 'read' | 'none';

/**
 * Returns what a user may do in a repository, whichever way it was granted; `none` for one that GitHub does not know.
 *
 * https://docs.github.com/rest/collaborators/collaborators#get-repository-permissions-for-a-user
 */
export async function readPermission(github: GitHub, repository: string, login: string): Promise<Permission> {
  const purpose = { what: `what ${login} may do in ${repository}`, permission: 'contents: read' };
  const read = new AnswerReader(purpose.what);
  const parameters = { ...splitRepository(repository), username: login };
  const answer = await orUndefined(
    github.get('/repos/{owner}/{repo}/collaborators/{username}/permission', parameters, purpose),
  );
  if (answer === undefined) return 'none';
  const permission = read.text(read.object(answer, 'permission')['permission'], 'permission');
  return permission === 'admin' || permission === 'write' || permission === 'read' ? permission : 'none';
}

/**
 * Says whether a user is an active member of a team, `organisation/slug`, or of one below it; an invitation that is not
 * accepted makes no member. https://docs.github.com/rest/teams/members#get-team-membership-for-a-user
 */
export async function isTeamMember(github: GitHub, team: string, login: string): Promise<boolean> {
  const [org = '', team_slug = ''] = team.split('/');
  const purpose = { what: `the members of the team ${team}`, permission: 'members: read' };
  const read = new AnswerReader(purpose.what);
  const parameters = { org, team_slug, username: login };
  const answer = await orUndefined(
    github.get('/orgs/{org}/teams/{team_slug}/memberships/{username}', parameters, purpose),
  );
  return answer !== undefined && read.text(read.object(answer, 'membership')['state'], 'state') === 'active';
}

async function orUndefined(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ConfigurationError && error.code === 'github-not-found') return undefined;
    throw error;
  }
}
