import { readBody, sendJson } from '../http-server.ts';
import { type Credential, findCredential, matchCredential, type Scope } from './credentials.ts';
import type { Exchange } from './exchange.ts';
import { RegistryError } from './registry-error.ts';
import { readScopes, type Tokens, writeScopes } from './tokens.ts';

export interface TokenService {
  readonly tokens: Tokens;
  readonly credentials: readonly Credential[];
  /** True lets anybody pull. */
  readonly anonymousPull: boolean;
}

/**
 * Answers `/token`: GET with basic credentials or none, and the POST form of OAuth 2.
 *
 * A token holds those of the wanted rights that the caller has, possibly none: what is missing is said by the registry.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/
 * @see https://distribution.github.io/distribution/spec/auth/oauth/
 */
export async function handleToken(exchange: Exchange, service: TokenService): Promise<void> {
  if (exchange.method === 'POST') return exchangeForm(exchange, service);
  if (exchange.method !== 'GET') throw new RegistryError(405, 'UNSUPPORTED', `a token has no ${exchange.method}`);
  const header = exchange.request.headers.authorization;
  const caller = findCredential(header, service.credentials);
  if (header !== undefined && caller === undefined) throw unauthorized();
  const token = service.tokens.issueAccess(
    caller?.username ?? '',
    grant(service, caller, readScopes(exchange.query.getAll('scope'))),
  );
  const offline = exchange.query.get('offline_token') === 'true' && caller !== undefined;
  sendJson(exchange.response, 200, {
    token,
    access_token: token,
    ...lifetime(service.tokens),
    ...(offline ? { refresh_token: service.tokens.issueRefresh(caller.username) } : {}),
  });
}

async function exchangeForm(exchange: Exchange, service: TokenService): Promise<void> {
  const form = new URLSearchParams((await readBody(exchange.request, 64 * 1024)).toString('utf8'));
  const { tokens } = service;
  const caller = findFormCaller(form, service);
  if (caller === undefined) throw unauthorized();
  const granted = grant(service, caller, readScopes(form.getAll('scope')));
  const offline = form.get('access_type') === 'offline' || form.get('grant_type') === 'refresh_token';
  // Unlike GET, this answer has no `token`: clients must read `access_token`.
  sendJson(exchange.response, 200, {
    access_token: tokens.issueAccess(caller.username, granted),
    scope: writeScopes(granted),
    ...lifetime(tokens),
    ...(offline ? { refresh_token: tokens.issueRefresh(caller.username) } : {}),
  });
}

function findFormCaller(form: URLSearchParams, service: TokenService): Credential | undefined {
  switch (form.get('grant_type')) {
    case 'password':
      return matchCredential(form.get('username'), form.get('password'), service.credentials);
    case 'refresh_token': {
      const subject = service.tokens.readRefresh(form.get('refresh_token') ?? '');
      return service.credentials.find(({ username }) => username === subject);
    }
    default:
      throw new RegistryError(400, 'UNSUPPORTED', 'grant_type is neither password nor refresh_token');
  }
}

function grant(service: TokenService, caller: Credential | undefined, wanted: readonly Scope[]): Scope[] {
  const mayPull = caller !== undefined || service.anonymousPull;
  const mayChange = caller !== undefined && caller.readOnly !== true;
  return wanted
    .map(({ repository, actions }) => ({
      repository,
      actions: actions.filter((action) => (action === 'pull' ? mayPull : mayChange)),
    }))
    .filter(({ actions }) => actions.length > 0);
}

function lifetime(tokens: Tokens): { expires_in: number; issued_at: string } {
  return { expires_in: tokens.seconds, issued_at: tokens.now().toISOString() };
}

function unauthorized(): RegistryError {
  return new RegistryError(401, 'UNAUTHORIZED', 'incorrect username or password', {
    headers: { 'www-authenticate': 'Basic realm="token"' },
  });
}
