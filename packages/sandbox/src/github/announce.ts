import { appOf, type TokenOptions } from './authentication.ts';
import type { Happening, Sender } from './event-bus.ts';
import type { HostedRepository } from './hosted-repository.ts';
import type { JsonObject } from './payload.ts';
import { repositoryShape } from './shapes/repository-shape.ts';
import { userShape } from './shapes/user-shape.ts';
import type { Site } from './site.ts';

/** The app behind every job's own token. */
export const actionsApp = 'github-actions';

export const senderOf = (token: TokenOptions): Sender => ({
  login: token.login,
  isJob: appOf(token) === actionsApp,
});

/** Tells that something has happened; `fields` are what the event's payload has beside repository and sender. */
export async function announce(
  site: Site,
  repository: HostedRepository,
  sender: Sender,
  happening: Happening,
  fields: () => Promise<JsonObject> | JsonObject,
): Promise<void> {
  if (!site.events.isHeard) return;
  const payload = await eventPayload(site, repository, sender, happening, await fields());
  site.events.emit({ happening, repository: repository.fullName, sender, payload });
}

/** The payload of an event, with what all events have. */
export async function eventPayload(
  site: Site,
  repository: HostedRepository,
  sender: Sender,
  happening: Happening,
  fields: JsonObject,
): Promise<JsonObject> {
  const owner = site.accounts.ensure(repository.record.owner);
  const { login, id, node_id: nodeId, url, avatar_url: avatarUrl } = userShape(site, owner.login);
  const organization = { login, id, node_id: nodeId, url, avatar_url: avatarUrl, description: null };
  return {
    ...('action' in happening ? { action: happening.action } : {}),
    ...fields,
    repository: await repositoryShape(site, repository),
    ...(owner.type === 'Organization' ? { organization } : {}),
    sender: userShape(site, sender.login),
  };
}
