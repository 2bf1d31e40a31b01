import { senderOf } from './announce.ts';
import type { Answer } from './answer.ts';
import { notFound } from './api-error.ts';
import type { App } from './apps.ts';
import type { Access, Actor, TokenOptions } from './authentication.ts';
import type { Sender } from './event-bus.ts';
import type { HostedRepository } from './hosted-repository.ts';
import type { Payload } from './payload.ts';
import type { Site } from './site.ts';

/** One request, read and authorised. */
export interface Call {
  readonly site: Site;
  readonly actor: Actor;
  /** The app that asks, where the route is for apps. */
  readonly app: App | undefined;
  /** The whole address as the client wrote it. */
  readonly url: URL;
  readonly query: URLSearchParams;
  readonly accept: string;
  readonly payload: Payload;
  /** A variable of the route's template. */
  parameter(name: string): string;
}

export interface RepositoryCall extends Call {
  readonly repository: HostedRepository;
}

export interface Route {
  /** `GET /repos/{owner}/{repo}`: method and template, as in GitHub's description. */
  readonly operation: string;
  /** One of these permissions is enough. */
  readonly access: readonly Access[];
  readonly handle: (call: Call, repository: HostedRepository | undefined) => Promise<Answer>;
}

/** A route of the server as a whole. */
export function siteRoute(
  operation: string,
  access: readonly Access[],
  handle: (call: Call) => Promise<Answer> | Answer,
): Route {
  return { operation, access, handle: async (call) => handle(call) };
}

/** A route below `/repos/{owner}/{repo}`; `path` is the rest of the template. */
export function repositoryRoute(
  method: string,
  path: string,
  access: readonly Access[],
  handle: (call: RepositoryCall) => Promise<Answer> | Answer,
): Route {
  return {
    operation: `${method} /repos/{owner}/{repo}${path}`,
    access,
    handle: async (call, repository) => {
      if (repository === undefined) throw notFound();
      return handle({ ...call, repository });
    },
  };
}

/** Who acts, in operations that nobody may use without a token. */
export function actorOf({ actor }: Call): TokenOptions {
  if (actor === undefined) throw notFound();
  return actor;
}

/** Who acts, for the events that follow. */
export const senderOfCall = (call: Call): Sender => senderOf(actorOf(call));

/** A number in the path; anything else does not exist. */
export function numberParameter(call: Call, name: string): number {
  const text = call.parameter(name);
  if (!/^\d{1,15}$/.test(text)) throw notFound();
  return Number(text);
}
