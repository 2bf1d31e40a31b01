import { ActionError, ConfigurationError } from '../errors.ts';
import { readAll } from '../util/content.ts';
import { HttpError, type HttpResponse, NetworkError, readErrorBody, send } from '../util/http.ts';
import type { Dispatcher } from '../util/http-dispatcher.ts';
import type { Challenge } from './challenge.ts';
import { type Credential, encodeBasic } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';
import type { Token } from './token-cache.ts';

/** The specification's default lifetime, in seconds. */
const DEFAULT_LIFETIME = 60;

export interface TokenRequest {
  readonly endpoint: Endpoint;
  readonly challenge: Challenge & { readonly scheme: 'bearer' };
  readonly credential: Credential | undefined;
  readonly scope: string;
  /** Says where the credentials came from, or that there are none, for the error. */
  readonly account: string;
  readonly dispatcher: Dispatcher;
}

/**
 * Fetches a token where the registry says, if that is a host of its own (`Endpoint.tokenHosts`): the realm stands in an
 * answer that anybody could have written who can answer for the registry.
 *
 * An identity token is exchanged by OAuth's form, everything else by GET.
 * https://distribution.github.io/distribution/spec/auth/token/, https://distribution.github.io/distribution/spec/auth/oauth/
 */
export async function fetchToken(request: TokenRequest): Promise<Token> {
  const url = resolveRealm(request.challenge.realm, request.endpoint);
  const response = await ask(url, request);
  if (response.status !== 200) {
    const body = await readErrorBody(response);
    const refused = response.status === 401 || response.status === 403;
    throw new HttpError(
      refused ? 'unauthorized' : 'token-service',
      `${request.endpoint.name}: the token service ${url.host} answered ${response.status} for ${request.scope}. ` +
        `${refused ? `${request.account} ${RIGHTS}` : 'The service may be down; run again later.'}` +
        `${body === '' ? '' : `\n${redactSecret(body, request.credential).slice(0, 500)}`}`,
      response,
    );
  }
  const token = parseToken(await readToken(response, url), url.host, response.headers['date']);
  // What was damaged on its way is no reason for everything after it to fail: it is asked for again.
  if (!/^[\x21-\x7e]+$/.test(token.value)) throw new NetworkError('GET', url, new Error('the token holds no text'));
  return token;
}

const RIGHTS = 'See that the user may do this in this repository.';

function ask(url: URL, { challenge, credential, scope, dispatcher }: TokenRequest): Promise<HttpResponse> {
  const { service } = challenge;
  if (credential !== undefined && 'identityToken' in credential) {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'slipway',
      refresh_token: credential.identityToken,
      scope,
    });
    if (service !== undefined) form.set('service', service);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return send({ method: 'POST', url, headers, body: Buffer.from(form.toString()), dispatcher });
  }
  if (service !== undefined) url.searchParams.set('service', service);
  for (const one of scope.split(' ')) url.searchParams.append('scope', one);
  const headers = credential === undefined ? {} : { authorization: `Basic ${encodeBasic(credential)}` };
  return send({ method: 'GET', url, headers, dispatcher });
}

function resolveRealm(realm: string, { name, origin, tokenHosts }: Endpoint): URL {
  const url = URL.parse(realm, origin.href);
  const encrypted = url?.protocol === 'https:' || url?.protocol === origin.protocol;
  if (url !== null && encrypted && tokenHosts.has(url.host)) return url;
  throw new ConfigurationError(
    'foreign-token-host',
    `The registry ${name} sends us to ${url?.origin ?? realm} for a token, which is not its own host. ` +
      `If that is its token service, say so in the configuration:\n\n` +
      `registries:\n  ${name}:\n    token-host: ${url?.host ?? '<host>'}\n`,
  );
}

async function readToken(response: HttpResponse, url: URL): Promise<string> {
  try {
    return (await readAll(response.body, 256 * 1024)).toString('utf8');
  } catch (error) {
    throw new NetworkError('GET', url, error);
  }
}

/** Some services repeat what they were sent, in whichever of its forms. */
function redactSecret(body: string, credential: Credential | undefined): string {
  if (credential === undefined) return body;
  const secret = 'identityToken' in credential ? credential.identityToken : credential.password;
  if (secret === '') return body;
  const sent = 'identityToken' in credential ? [] : [encodeBasic(credential)];
  const written = [encodeURIComponent(secret), new URLSearchParams([['', secret]]).toString().slice(1)];
  const quoted = JSON.stringify(secret).slice(1, -1);
  return [...sent, ...written, quoted, secret].reduce((text, form) => text.replaceAll(form, 'REDACTED'), body);
}

function parseToken(text: string, host: string, date: string | undefined): Token {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = undefined;
  }
  const fields = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>;
  const value = fields['token'] ?? fields['access_token'];
  if (typeof value !== 'string' || value === '') {
    throw new ActionError('token-service', `The token service ${host} answered without a token.`);
  }
  const stated = Number(fields['expires_in']);
  const lifetime = (stated > 0 ? stated : DEFAULT_LIFETIME) * 1000;
  return { value, lifetime: Math.max(lifetime - ageOf(fields['issued_at'], date), lifetime / 10) };
}

/**
 * Returns how old a token was when it was answered, milliseconds: services hand out what they have kept. Both times are
 * the service's own, so that nothing depends on this machine's clock; a token from the future is as good as new.
 */
function ageOf(issued: unknown, date: string | undefined): number {
  if (typeof issued !== 'string' || date === undefined) return 0;
  const age = Date.parse(date) - Date.parse(issued);
  return age > 0 ? age : 0;
}
