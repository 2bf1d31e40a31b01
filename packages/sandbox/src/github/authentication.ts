import { ApiError, notFound } from './api-error.ts';
import type { App } from './apps.ts';
import type { HostedRepository } from './hosted-repository.ts';

export type AccessLevel = 'read' | 'write';

/** What a token must be able to do, as GitHub's permission names: `contents:write`; `app`: be an app itself, by a JWT. */
export type Access = `${string}:${AccessLevel}` | 'app';

export interface TokenOptions {
  readonly token: string;
  /** Who acts; `name[bot]` for an app. */
  readonly login: string;
  /** `owner/name` of the only repositories the token reaches; absent: all. */
  readonly repositories?: readonly string[];
  /** By GitHub's names (contents, pull_requests, checks, members, …); absent: everything. A token with permissions is an app's. */
  readonly permissions?: Readonly<Record<string, AccessLevel>>;
  /** Whose app's check runs the token writes; default: the login without `[bot]`. */
  readonly app?: string;
  /** When it is worth nothing any more; absent: never. */
  readonly expiresAt?: Date;
  /** The id of the installation of an app that it stands for. */
  readonly installation?: number;
}

/** Who asks: somebody with a token, or nobody in particular. */
export type Actor = TokenOptions | undefined;

export const appOf = (token: TokenOptions): string => token.app ?? token.login.replace(/\[bot\]$/, '');

/** What requests are checked against. */
export interface Credentials {
  readonly tokens: ReadonlyMap<string, TokenOptions>;
  readonly apps: { authenticate(jwt: string, now: Date): App };
  now(): Date;
}

/** Reads the Authorization header of a REST or git request; a token nobody handed out is refused, not ignored. */
export function authenticate(header: string | undefined, { tokens, now }: Credentials): Actor {
  if (header === undefined) return undefined;
  const found = tokens.get(secretOf(header));
  if (found === undefined || (found.expiresAt !== undefined && found.expiresAt <= now())) {
    throw new ApiError(401, 'Bad credentials');
  }
  return found;
}

/** The app that asks with a JWT of its own; undefined for every other header. */
export function authenticateApp(header: string | undefined, { apps, now }: Credentials): App | undefined {
  const secret = header === undefined ? '' : secretOf(header);
  return isJwt(secret) ? apps.authenticate(secret, now()) : undefined;
}

const isJwt = (secret: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]*$/.test(secret);

function secretOf(header: string): string {
  const [, scheme = '', value = ''] = /^(\S+)\s+(\S+)$/.exec(header) ?? [];
  if (/^(bearer|token)$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return '';
  const [, user = '', password = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(value, 'base64').toString()) ?? [];
  return password === '' || password === 'x-oauth-basic' ? user : password;
}

/** Refuses what the actor may not see: such a repository does not exist for it. */
export function requireVisible(actor: Actor, repository: HostedRepository): void {
  if (actor === undefined) {
    if (repository.record.private) throw notFound();
    return;
  }
  const { repositories } = actor;
  if (repositories === undefined) return;
  if (!repositories.some((name) => name.toLowerCase() === repository.fullName.toLowerCase())) throw notFound();
}

/** Tells whether the actor has one of the permissions; whoever sees a public repository may read it. */
export function mayAccess(actor: Actor, access: readonly Access[], isPublic: boolean): boolean {
  const readsOnly = access.every((each) => each.endsWith(':read'));
  if (readsOnly && isPublic) return true;
  if (actor === undefined) return false;
  const { permissions } = actor;
  if (permissions === undefined) return true;
  return access.some((each) => {
    const [scope = '', level] = each.split(':');
    const granted = permissions[scope];
    return scope === 'metadata' || granted === 'write' || (granted === 'read' && level === 'read');
  });
}

export function requireAccess(actor: Actor, access: readonly Access[], isPublic: boolean): void {
  if (mayAccess(actor, access, isPublic)) return;
  if (actor === undefined) throw new ApiError(401, 'Requires authentication');
  throw new ApiError(403, 'Resource not accessible by integration');
}
