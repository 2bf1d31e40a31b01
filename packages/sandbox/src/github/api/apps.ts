import { randomBytes } from 'node:crypto';
import { type Answer, noContent, ok, paginate } from '../answer.ts';
import { ApiError, notFound, unprocessable } from '../api-error.ts';
import type { App, AppPermissions, Installation } from '../apps.ts';
import type { TokenOptions } from '../authentication.ts';
import { isoSeconds } from '../git/objects.ts';
import type { HostedRepository } from '../hosted-repository.ts';
import type { Payload } from '../payload.ts';
import {
  actorOf,
  type Call,
  numberParameter,
  type RepositoryCall,
  type Route,
  repositoryRoute,
  siteRoute,
} from '../route.ts';
import { appShape, installationShape } from '../shapes/app-shape.ts';
import { repositoryShape } from '../shapes/repository-shape.ts';

/** How long a token of an installation is worth something, in milliseconds. */
const lifetime = 3_600_000;

function appOfCall({ app }: Call): App {
  if (app === undefined) throw new ApiError(401, 'A JSON web token could not be decoded');
  return app;
}

const getApp = (call: Call): Answer => ok(appShape(call.site, appOfCall(call).slug));

function getInstallation(call: RepositoryCall): Answer {
  const app = appOfCall(call);
  const installation = call.site.apps.installationFor(app, call.repository.fullName);
  if (installation === undefined) throw notFound();
  return ok(installationShape(call.site, app, installation));
}

async function createToken(call: Call): Promise<Answer> {
  const { site, payload } = call;
  const app = appOfCall(call);
  const id = numberParameter(call, 'installation_id');
  const installation = app.installations.find((each) => each.id === id);
  if (installation === undefined) throw notFound();
  const chosen = chosenRepositories(call, installation);
  const permissions: AppPermissions = { metadata: 'read', ...grantedPermissions(app, payload) };
  const expiresAt = new Date(site.now().getTime() + lifetime);
  const token: TokenOptions = {
    token: `ghs_${randomBytes(27).toString('base64').replaceAll(/[+/]/g, 'x')}`,
    login: `${app.slug}[bot]`,
    repositories: chosen?.map(({ fullName }) => fullName) ?? installation.repositories,
    permissions,
    app: app.slug,
    expiresAt,
    installation: id,
  };
  site.accounts.ensure(token.login);
  site.tokens.set(token.token, token);
  return {
    status: 201,
    json: {
      token: token.token,
      expires_at: isoSeconds(expiresAt),
      permissions,
      repository_selection: 'selected',
      ...(chosen === undefined
        ? {}
        : { repositories: await Promise.all(chosen.map((each) => repositoryShape(site, each))) }),
    },
  };
}

/** The repositories that a request names, by name or id; undefined where it names none, which means all. */
function chosenRepositories({ site, payload }: Call, installation: Installation): HostedRepository[] | undefined {
  const names = payload.optionalList('repositories');
  const ids = payload.optionalList('repository_ids');
  if (names === undefined && ids === undefined) return undefined;
  const installed = installation.repositories
    .map((name) => site.find(name))
    .filter((repository) => repository !== undefined);
  const pick = (wanted: unknown, matches: (repository: HostedRepository) => boolean): HostedRepository => {
    const found = installed.find(matches);
    if (found !== undefined) return found;
    throw unprocessable(
      `There is at least one repository that does not exist or is not accessible to the parent installation: ${String(wanted)}.`,
    );
  };
  return [
    ...(names ?? []).map((name) =>
      pick(name, ({ record }) => record.name.toLowerCase() === String(name).toLowerCase()),
    ),
    ...(ids ?? []).map((id) => pick(id, ({ record }) => record.id === id)),
  ];
}

/** Least first: a token gets what is asked for, and nothing is handed out that the app does not have. */
function grantedPermissions(app: App, payload: Payload): AppPermissions {
  const wanted = payload.optionalObject('permissions');
  if (wanted === undefined) return app.permissions;
  const granted: Record<string, 'read' | 'write'> = {};
  for (const name of Object.keys(Object(wanted.value))) {
    const level = wanted.optionalChoice(name, ['read', 'write']);
    if (level === undefined) continue;
    const own = name === 'metadata' ? (app.permissions[name] ?? 'read') : app.permissions[name];
    if (own === undefined || (own === 'read' && level === 'write')) {
      throw unprocessable('The permissions requested are not granted to this installation.');
    }
    granted[name] = level;
  }
  return granted;
}

function revokeToken(call: Call): Answer {
  const actor = actorOf(call);
  if (actor.permissions === undefined) throw new ApiError(403, 'You must authenticate with an installation token');
  call.site.tokens.delete(actor.token);
  return noContent;
}

async function listRepositories(call: Call): Promise<Answer> {
  const { site } = call;
  const { permissions, repositories = [] } = actorOf(call);
  if (permissions === undefined) {
    throw new ApiError(403, 'You must authenticate with an installation access token in order to list repositories.');
  }
  const all = repositories.map((name) => site.find(name)).filter((repository) => repository !== undefined);
  const { items, headers } = paginate(call, all);
  const shapes = await Promise.all(items.map((repository) => repositoryShape(site, repository)));
  return {
    status: 200,
    json: { total_count: all.length, repository_selection: 'selected', repositories: shapes },
    headers,
  };
}

export const appRoutes: readonly Route[] = [
  siteRoute('GET /app', ['app'], getApp),
  siteRoute('POST /app/installations/{installation_id}/access_tokens', ['app'], createToken),
  repositoryRoute('GET', '/installation', ['app'], getInstallation),
  siteRoute('GET /installation/repositories', ['metadata:read'], listRepositories),
  siteRoute('DELETE /installation/token', ['metadata:read'], revokeToken),
];
