import type { Dispatcher } from 'undici';
import { ActionError, ConfigurationError } from '../errors.ts';
import { readAll } from '../util/content.ts';
import { HttpError, type HttpResponse, NetworkError, readErrorBody, send } from '../util/http.ts';
import { type Challenge, parseChallenge } from './challenge.ts';
import { type Credential, encodeBasic } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';

interface Token {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

/** A token is renewed this long before it ends, so that a request that takes its time does not outlive it. */
const MARGIN = 30_000;

/** The specification's default lifetime, in seconds. */
const DEFAULT_LIFETIME = 60;

/**
 * Knows how one registry wants to be authorized, and keeps its tokens, one for each scope.
 *
 * The way is learnt from the first 401; from then on every request carries its header from the start.
 * Credentials are sent to the registry's own hosts only (`Endpoint.tokenHosts`): the realm stands in an answer that
 * anybody could have written who can answer for the registry.
 */
export class Authorization {
  readonly #endpoint: Endpoint;
  readonly #credential: Credential | undefined;
  readonly #dispatcher: Dispatcher;
  readonly #tokens = new Map<string, Promise<Token>>();
  #challenge: Challenge | undefined;

  constructor(endpoint: Endpoint, credential: Credential | undefined, dispatcher: Dispatcher) {
    this.#endpoint = endpoint;
    this.#credential = credential;
    this.#dispatcher = dispatcher;
  }

  /** Returns the `Authorization` header for a request in `scope`; undefined while nothing is known or nothing needed. */
  async header(scope: string): Promise<string | undefined> {
    const challenge = this.#challenge;
    if (challenge === undefined) return undefined;
    if (challenge.scheme === 'basic') return this.#basic();
    let token = this.#tokens.get(scope);
    if (token === undefined || (await token).expires - MARGIN < Date.now()) {
      token = this.#fetchToken(challenge, scope);
      this.#tokens.set(scope, token);
      token.catch(() => this.#tokens.delete(scope));
    }
    return `Bearer ${(await token).value}`;
  }

  /**
   * Learns from a 401; returns whether the request is worth another try. `sent` is the header the request had: many
   * requests can be under way before the first 401 tells how to authorize them, and each of those deserves its try. A
   * token that was just refused is thrown away: it may have been revoked, or the clock may be wrong.
   */
  learn(response: HttpResponse, scope: string, sent: string | undefined): boolean {
    const challenge = parseChallenge(response.headers['www-authenticate']);
    if (challenge === undefined) return false;
    this.#challenge = challenge;
    if (challenge.scheme === 'basic') return sent === undefined && this.#basic() !== undefined;
    if (sent !== undefined) this.#tokens.delete(scope);
    return true;
  }

  #basic(): string | undefined {
    const credential = this.#credential;
    if (credential === undefined || 'identityToken' in credential) return undefined;
    return `Basic ${encodeBasic(credential)}`;
  }

  async #fetchToken(challenge: Challenge & { scheme: 'bearer' }, scope: string): Promise<Token> {
    const url = this.#realm(challenge.realm);
    const response = await this.#askForToken(url, challenge.service, scope);
    if (response.status !== 200) {
      const body = await readErrorBody(response);
      throw new HttpError(
        response.status === 401 || response.status === 403 ? 'unauthorized' : 'token-service',
        `${this.#endpoint.name}: the token service ${url.host} answered ${response.status} for ${scope} ` +
          `${this.#who()}. ${explainRefusal(response.status)}${body === '' ? '' : `\n${body.slice(0, 500)}`}`,
        response,
      );
    }
    return parseToken(await readToken(response, url), url.host);
  }

  #askForToken(url: URL, service: string | undefined, scope: string): Promise<HttpResponse> {
    const credential = this.#credential;
    const dispatcher = this.#dispatcher;
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
    const basic = this.#basic();
    return send({ method: 'GET', url, headers: basic === undefined ? {} : { authorization: basic }, dispatcher });
  }

  #realm(realm: string): URL {
    const url = URL.parse(realm, this.#endpoint.origin.href);
    const { name, origin, tokenHosts } = this.#endpoint;
    const encrypted = url?.protocol === 'https:' || url?.protocol === origin.protocol;
    if (url !== null && encrypted && tokenHosts.has(url.host)) return url;
    throw new ConfigurationError(
      'foreign-token-host',
      `The registry ${name} sends us to ${url?.origin ?? realm} for a token, which is not its own host. ` +
        `If that is its token service, say so in the configuration:\n\n` +
        `registries:\n  ${name}:\n    token-host: ${url?.host ?? '<host>'}\n`,
    );
  }

  #who(): string {
    const credential = this.#credential;
    if (credential === undefined) return 'without credentials';
    return 'identityToken' in credential ? 'with an identity token' : `as ${credential.username}`;
  }
}

async function readToken(response: HttpResponse, url: URL): Promise<string> {
  try {
    return (await readAll(response.body, 256 * 1024)).toString('utf8');
  } catch (error) {
    throw new NetworkError('GET', url, error);
  }
}

function explainRefusal(status: number): string {
  return status === 401 || status === 403
    ? 'Check the user name and password for this registry, and that the user may do this in this repository.'
    : 'The service may be down; run again later.';
}

function parseToken(text: string, host: string): Token {
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
  const lifetime = fields['expires_in'];
  const seconds = typeof lifetime === 'number' && lifetime > 0 ? lifetime : DEFAULT_LIFETIME;
  // A lifetime shorter than twice the margin would be renewed at every request.
  return { value, expires: Date.now() + Math.max(seconds * 1000, 2 * MARGIN) };
}
