import { createHash, timingSafeEqual } from 'node:crypto';

/** Somebody whom the registry knows. */
export interface Credential {
  readonly username: string;
  readonly password: string;
  /** True lets this user pull and nothing else. */
  readonly readOnly?: boolean;
}

/** What a caller may do with a repository. */
export type Action = 'pull' | 'push' | 'delete';

/** Rights on one repository, wanted or granted. */
export interface Scope {
  readonly repository: string;
  readonly actions: readonly Action[];
}

/** Finds whom an `Authorization: Basic …` header names; undefined when the header is another one or the password wrong. */
export function findCredential(header: string | undefined, known: readonly Credential[]): Credential | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(header ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const [username, ...password] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return matchCredential(username, password.join(':'), known);
}

export function matchCredential(
  username: string | null | undefined,
  password: string | null,
  known: readonly Credential[],
): Credential | undefined {
  return known.find((one) => one.username === username && sameText(one.password, password ?? ''));
}

/** Compares in a time that says nothing about where two texts differ. */
export function sameText(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
