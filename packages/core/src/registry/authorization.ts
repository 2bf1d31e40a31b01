import { messageOf } from '../errors.ts';
import { HttpError, type HttpResponse } from '../util/http.ts';
import type { Dispatcher } from '../util/http-dispatcher.ts';
import { type Challenge, parseChallenge } from './challenge.ts';
import { type CredentialSource, encodeBasic, type FoundCredential, isSameCredential } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';
import { type Token, TokenCache } from './token-cache.ts';
import { fetchToken } from './token-service.ts';

/** A program that has nothing newer is left in peace for so long, milliseconds. */
const PEACE = 60_000;

/** An answer, and the `Authorization` header that its request had. */
export interface Authorized {
  readonly response: HttpResponse;
  readonly header: string | undefined;
}

/**
 * Knows how one registry wants to be authorized, and keeps its tokens.
 *
 * The way is learnt from the first 401; from then on every request carries its header from the start. Credentials are
 * looked up when a registry asks for some: a program that keeps them is not run for a registry that is open to all.
 */
export class Authorization {
  readonly #endpoint: Endpoint;
  readonly #source: CredentialSource | undefined;
  readonly #dispatcher: Dispatcher;
  readonly #tokens: TokenCache;
  #challenge: Challenge | undefined;
  #credential: Promise<FoundCredential | undefined> | undefined;
  /** Looks for credentials that replace those of `of`, which were refused. */
  #renewal: { readonly of: FoundCredential; readonly isNew: Promise<boolean> } | undefined;
  /** When a program had nothing newer. */
  #vain = Number.NEGATIVE_INFINITY;
  /** Why credentials could not be looked up. */
  #failure = '';
  /** Ends when the first request has been answered. */
  #pioneer: Promise<void> | undefined;

  constructor(endpoint: Endpoint, source: CredentialSource | undefined, dispatcher: Dispatcher) {
    this.#endpoint = endpoint;
    this.#source = source;
    this.#dispatcher = dispatcher;
    this.#tokens = new TokenCache((scope) => this.#fetchToken(scope));
  }

  /**
   * Sends a request by `send`, which is given the header for it, and once more when the registry answers with a 401 from
   * which it can be learnt how to ask.
   */
  async run(scope: string, send: (header: string | undefined) => Promise<HttpResponse>): Promise<Authorized> {
    const letOthersGo = await this.#takeTurn();
    try {
      const header = await this.header(scope);
      const response = await send(header);
      if (response.status !== 401 || !(await this.#learn(response, scope, header))) return { response, header };
      letOthersGo();
      await response.discard();
      const second = await this.header(scope);
      const answer = await send(second);
      // A password that came from a program is first known to be old when it is refused; a token was fetched with it.
      const isOld = answer.status === 401 && this.#challenge?.scheme === 'basic' && second !== undefined;
      if (!isOld || !(await this.#learn(answer, scope, second))) return { response: answer, header: second };
      await answer.discard();
      const third = await this.header(scope);
      return { response: await send(third), header: third };
    } finally {
      letOthersGo();
    }
  }

  /**
   * Says which credentials were used and where they stand, or that there were none and where to put them; for a refusal
   * also what to do.
   */
  async explain(refused = false): Promise<string> {
    const { places = `No credentials for ${this.#endpoint.name} were given.`, expected = false } = this.#source ?? {};
    // Not looked up now: a program is not run for the sake of a message.
    if (this.#credential === undefined && expected) {
      return 'It did not say how it wants credentials, so it got none: check what stands before it, then run again.';
    }
    const found = await this.#credential;
    if (this.#failure !== '') return `It was asked without credentials: ${this.#failure}`;
    if (found === undefined) return places;
    const { credential, origin } = found;
    const who = 'identityToken' in credential ? 'an identity token' : `the user ${credential.username}`;
    const cure = refused ? 'Check the user name and password for this registry. ' : '';
    return `${cure}It was asked with ${who} from ${origin}.`;
  }

  /**
   * Lets one request go ahead as long as nobody knows how the registry wants to be asked: with credentials in hand it is
   * as good as certain that all the others would be told the same. Returns what ends the turn.
   */
  async #takeTurn(): Promise<() => void> {
    if (this.#challenge === undefined && this.#source?.expected === true) {
      if (this.#pioneer === undefined) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#pioneer = promise;
        return resolve;
      }
      await this.#pioneer;
    }
    return () => undefined;
  }

  /** Returns the header for a request; undefined while nothing is known or nothing needed. */
  async header(scope: string): Promise<string | undefined> {
    if (this.#challenge === undefined) return undefined;
    if (this.#challenge.scheme === 'basic') return this.#basic();
    return `Bearer ${await this.#tokens.get(scope)}`;
  }

  /**
   * Learns from a 401; returns whether the request is worth another try. `sent` is the header the request had: many
   * requests can be under way before the first 401 tells how to authorize them, and each of those deserves its try. A
   * token that was just refused is thrown away.
   */
  async #learn(response: HttpResponse, scope: string, sent: string | undefined): Promise<boolean> {
    const challenge = parseChallenge(response.headers['www-authenticate']);
    if (challenge === undefined) return false;
    this.#challenge = challenge;
    if (challenge.scheme === 'basic') {
      const current = await this.#basic();
      if (current === undefined || current !== sent) return current !== undefined;
      return this.#renew(await this.#lookUp());
    }
    if (sent !== undefined) this.#tokens.refuse(scope, sent.replace(/^Bearer /, ''), challenge.scope);
    return true;
  }

  async #basic(): Promise<string | undefined> {
    const credential = (await this.#lookUp())?.credential;
    if (credential === undefined || 'identityToken' in credential) return undefined;
    return `Basic ${encodeBasic(credential)}`;
  }

  /**
   * Looks once. What fails is told with the registry's refusal, and only then: many registries that ask for credentials
   * serve everybody a token.
   */
  #lookUp(): Promise<FoundCredential | undefined> {
    this.#credential ??= (this.#source?.lookUp() ?? Promise.resolve(undefined)).catch((error: unknown) => {
      this.#failure = messageOf(error);
      return undefined;
    });
    return this.#credential;
  }

  /**
   * Looks once more for credentials that were refused: what a program gives may be good for an hour, and a job may take
   * longer. Returns whether there are others now; whoever comes meanwhile waits for the same answer.
   */
  async #renew(refused: FoundCredential | undefined): Promise<boolean> {
    if (refused?.renewable !== true || this.#source === undefined) return false;
    if ((await this.#credential) !== refused) return true;
    if (this.#renewal?.of === refused) return this.#renewal.isNew;
    if (performance.now() < this.#vain + PEACE) return false;
    const isNew = this.#replace(refused, this.#source);
    this.#renewal = { of: refused, isNew };
    try {
      return await isNew;
    } finally {
      this.#renewal = undefined;
    }
  }

  async #replace(refused: FoundCredential, source: CredentialSource): Promise<boolean> {
    // What could not be looked up now is no newer: the refusal is told, with the credentials that it was about.
    const found = await source.lookUp().catch(() => undefined);
    const isNew = found !== undefined && !isSameCredential(found.credential, refused.credential);
    if (isNew) this.#credential = Promise.resolve(found);
    else this.#vain = performance.now();
    return isNew;
  }

  async #fetchToken(scope: string): Promise<Token> {
    const found = await this.#lookUp();
    try {
      return await this.#askForToken(scope, found);
    } catch (error) {
      const isRefused = error instanceof HttpError && error.code === 'unauthorized';
      if (!isRefused || !(await this.#renew(found))) throw error;
      return this.#askForToken(scope, await this.#lookUp());
    }
  }

  async #askForToken(scope: string, found: FoundCredential | undefined): Promise<Token> {
    const challenge = this.#challenge;
    if (challenge?.scheme !== 'bearer') throw new Error('a token is fetched only when one was asked for');
    const account = await this.explain(true);
    const [endpoint, credential, dispatcher] = [this.#endpoint, found?.credential, this.#dispatcher];
    return fetchToken({ endpoint, challenge, credential, scope, account, dispatcher });
  }
}
