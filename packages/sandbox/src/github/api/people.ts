import { type Answer, listPage, noContent, ok } from '../answer.ts';
import { ApiError, notFound } from '../api-error.ts';
import type { TeamRecord } from '../records.ts';
import { type Call, type RepositoryCall, type Route, repositoryRoute, siteRoute } from '../route.ts';
import { profileShape, userShape } from '../shapes/user-shape.ts';

function currentUser({ actor, site }: Call): Answer {
  if (actor === undefined) throw new ApiError(401, 'Requires authentication');
  // An app acts as nobody: it has no profile to show.
  if (actor.permissions !== undefined) throw new ApiError(403, 'Resource not accessible by integration');
  return ok(profileShape(site, site.accounts.ensure(actor.login)));
}

const user = (call: Call): Answer => ok(profileShape(call.site, call.site.accounts.find(call.parameter('username'))));

function teamOf(call: Call): TeamRecord {
  const team = call.site.accounts.team(call.parameter('org'), call.parameter('team_slug'));
  if (team === undefined) throw notFound();
  return team;
}

const teamMembers = (call: Call): Promise<Answer> =>
  listPage(
    call,
    [...call.site.accounts.teamMembers(teamOf(call))].filter(([, role]) => role !== 'pending'),
    ([login]) => userShape(call.site, login),
  );

function teamMembership(call: Call): Answer {
  const team = teamOf(call);
  const wanted = call.parameter('username').toLowerCase();
  const [login, role] = [...call.site.accounts.teamMembers(team)].find(([name]) => name.toLowerCase() === wanted) ?? [];
  if (login === undefined) throw notFound();
  const url = `${call.site.apiUrl}/orgs/${team.organization}/teams/${team.slug}/memberships/${login}`;
  // Who was invited is no member yet: only the state says so.
  return ok(role === 'pending' ? { url, role: 'member', state: 'pending' } : { url, role, state: 'active' });
}

function isCollaborator({ repository, parameter }: RepositoryCall): Answer {
  const login = parameter('username').toLowerCase();
  const { owner, collaborators } = repository.record;
  if (![owner, ...Object.keys(collaborators)].some((name) => name.toLowerCase() === login)) throw notFound();
  return noContent;
}

/** The old names of permission know no maintain and triage. */
const permissions = { admin: 'admin', maintain: 'write', write: 'write', triage: 'read', read: 'read' } as const;

function collaboratorPermission({ site, repository, parameter }: RepositoryCall): Answer {
  const known = site.accounts.find(parameter('username'));
  if (known === undefined) throw notFound(`${parameter('username')} is not a user`);
  const role = site.administrators.has(known.login) ? 'admin' : repository.role(known.login);
  const allows = (...roles: readonly string[]): boolean => role !== undefined && roles.includes(role);
  return ok({
    permission: role === undefined ? 'none' : permissions[role],
    role_name: role ?? 'none',
    user: {
      ...userShape(site, known.login),
      permissions: {
        admin: allows('admin'),
        maintain: allows('admin', 'maintain'),
        push: allows('admin', 'maintain', 'write'),
        triage: allows('admin', 'maintain', 'write', 'triage'),
        pull: role !== undefined,
      },
      role_name: role ?? 'none',
    },
  });
}

export const peopleRoutes: readonly Route[] = [
  siteRoute('GET /user', ['metadata:read'], currentUser),
  siteRoute('GET /users/{username}', ['metadata:read'], user),
  siteRoute('GET /orgs/{org}/teams/{team_slug}/members', ['members:read'], teamMembers),
  siteRoute('GET /orgs/{org}/teams/{team_slug}/memberships/{username}', ['members:read'], teamMembership),
  repositoryRoute('GET', '/collaborators/{username}', ['metadata:read'], isCollaborator),
  repositoryRoute('GET', '/collaborators/{username}/permission', ['metadata:read'], collaboratorPermission),
];
