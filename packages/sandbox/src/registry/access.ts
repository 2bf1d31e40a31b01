import { type Credential, findCredential, type Scope } from './credentials.ts';
import type { Exchange } from './exchange.ts';
import { RegistryError } from './registry-error.ts';
import type { Route } from './route.ts';
import { type Tokens, writeScopes } from './tokens.ts';

const SERVICE = 'sandbox-registry';

/** Lets a request through, or throws the refusal with the challenge that tells the client how to go on. */
export type Guard = (exchange: Exchange, needs: readonly Scope[]) => void;

export const letEverybodyIn: Guard = () => undefined;

/** Guards with passwords; a user who may only pull is told so with 403. */
export function guardWithPasswords(credentials: readonly Credential[]): Guard {
  return (exchange, needs) => {
    const caller = findCredential(exchange.request.headers.authorization, credentials);
    if (caller === undefined) {
      throw new RegistryError(401, 'UNAUTHORIZED', 'authentication required', {
        headers: { 'www-authenticate': `Basic realm="${SERVICE}"` },
      });
    }
    if (caller.readOnly === true && needs.some(({ actions }) => actions.some((action) => action !== 'pull'))) {
      throw new RegistryError(403, 'DENIED', 'requested access to the resource is denied', { detail: needs });
    }
  };
}

/**
 * Guards with tokens: each request needs one that names its repository and its rights.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export function guardWithTokens(tokens: Tokens): Guard {
  return (exchange, needs) => {
    const [, token] = /^Bearer +(\S+)$/i.exec(exchange.request.headers.authorization ?? '') ?? [];
    const granted = token === undefined ? undefined : tokens.readAccess(token);
    if (granted !== undefined && needs.every((need) => covers(granted, need))) return;
    const reason = token === undefined ? undefined : granted === undefined ? 'invalid_token' : 'insufficient_scope';
    const parts = [
      `realm="${exchange.origin}/token"`,
      `service="${SERVICE}"`,
      ...(needs.length === 0 ? [] : [`scope="${writeScopes(needs)}"`]),
      ...(reason === undefined ? [] : [`error="${reason}"`]),
    ];
    throw new RegistryError(401, 'UNAUTHORIZED', 'authentication required', {
      headers: { 'www-authenticate': `Bearer ${parts.join(',')}` },
      detail: needs,
    });
  };
}

function covers(granted: readonly Scope[], need: Scope): boolean {
  return need.actions.every((action) =>
    granted.some(({ repository, actions }) => repository === need.repository && actions.includes(action)),
  );
}

/** Tells the rights that a request needs; a mount needs to pull from the other repository as well. */
export function neededScopes(route: Route, exchange: Exchange): Scope[] {
  if (route.kind === 'base') return [];
  const { repository } = route;
  switch (exchange.method) {
    case 'GET':
    case 'HEAD':
      return [{ repository, actions: ['pull'] }];
    case 'DELETE':
      return [{ repository, actions: route.kind === 'upload' ? ['pull', 'push'] : ['delete'] }];
    default: {
      const from = exchange.query.get('from');
      const other: Scope[] = from === null ? [] : [{ repository: from, actions: ['pull'] }];
      return [{ repository, actions: ['pull', 'push'] }, ...other];
    }
  }
}
