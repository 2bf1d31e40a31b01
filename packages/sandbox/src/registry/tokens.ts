import { createHmac } from 'node:crypto';
import { type Action, type Scope, sameText } from './credentials.ts';
import { isObject, parseJson } from './json.ts';

interface Claims {
  readonly kind: 'access' | 'refresh';
  /** The user's name; empty for an anonymous caller. */
  readonly subject: string;
  /** Milliseconds since 1970; absent for a token that does not expire. */
  readonly expires?: number;
  readonly access: readonly Scope[];
}

export interface TokenOptions {
  readonly key: Buffer;
  readonly seconds: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Issues and reads tokens: claims and their HMAC, so that nothing needs to be remembered. */
export class Tokens {
  readonly #options: TokenOptions;

  constructor(options: TokenOptions) {
    this.#options = options;
  }

  /** Seconds that an access token is good for. */
  get seconds(): number {
    return this.#options.seconds;
  }

  now(): Date {
    return new Date(this.#options.now());
  }

  issueAccess(subject: string, access: readonly Scope[]): string {
    return this.#sign({
      kind: 'access',
      subject,
      access,
      expires: this.#options.now() + this.#options.seconds * 1000,
    });
  }

  issueRefresh(subject: string): string {
    return this.#sign({ kind: 'refresh', subject, access: [] });
  }

  /** Returns what an access token grants; undefined when it is forged or has expired. */
  readAccess(token: string): readonly Scope[] | undefined {
    const claims = this.#read(token);
    return claims?.kind === 'access' ? claims.access : undefined;
  }

  /** Returns the name in a refresh token; undefined when it is forged. */
  readRefresh(token: string): string | undefined {
    const claims = this.#read(token);
    return claims?.kind === 'refresh' ? claims.subject : undefined;
  }

  #sign(claims: Claims): string {
    const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
    return `${payload}.${this.#signature(payload)}`;
  }

  #read(token: string): Claims | undefined {
    const [payload = '', signature = ''] = token.split('.');
    if (!sameText(signature, this.#signature(payload))) return undefined;
    const claims = parseJson(Buffer.from(payload, 'base64url').toString('utf8'));
    if (!isClaims(claims)) return undefined;
    return claims.expires !== undefined && claims.expires <= this.#options.now() ? undefined : claims;
  }

  #signature(payload: string): string {
    return createHmac('sha256', this.#options.key).update(payload).digest('base64url');
  }
}

function isClaims(value: unknown): value is Claims {
  return isObject(value) && typeof value['subject'] === 'string' && Array.isArray(value['access']);
}

/**
 * Reads scopes as clients write them, `repository:<name>:<action>,<action>`, several of them with spaces between.
 *
 * @see https://distribution.github.io/distribution/spec/auth/scope/
 */
export function readScopes(texts: readonly string[]): Scope[] {
  return texts
    .flatMap((text) => text.split(' '))
    .flatMap((text) => {
      const [, repository, actions] = /^repository(?:\([^)]*\))?:(.+):([a-z,*]+)$/.exec(text) ?? [];
      return repository === undefined || actions === undefined ? [] : [{ repository, actions: readActions(actions) }];
    });
}

function readActions(text: string): Action[] {
  const wanted = text.split(',');
  const all: Action[] = ['pull', 'push', 'delete'];
  return all.filter((action) => wanted.includes(action) || wanted.includes('*'));
}

export function writeScopes(scopes: readonly Scope[]): string {
  return scopes.map(({ repository, actions }) => `repository:${repository}:${actions.join(',')}`).join(' ');
}
