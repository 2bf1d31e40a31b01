import { actionsApp } from '../announce.ts';
import { type App, clientIdOf, type Installation } from '../apps.ts';
import type { Site } from '../site.ts';
import { nodeId, userShape } from './user-shape.ts';

/** GitHub Actions has this id everywhere. */
const actionsAppId = 15_368;

/** The id of the app with this slug; one that nobody has added has the id of its user. */
export function appIdOf(site: Site, slug: string): number {
  if (slug === actionsApp) return actionsAppId;
  return site.apps.find(slug)?.id ?? site.accounts.ensure(`${slug}[bot]`).id;
}

/** The app behind a slug. */
export function appShape(site: Site, slug: string) {
  const id = appIdOf(site, slug);
  const app = site.apps.find(slug);
  const { createdAt } = site.accounts.ensure(`${slug}[bot]`);
  const owner = slug === actionsApp ? 'github' : (app?.installations[0]?.owner ?? slug);
  return {
    id,
    slug,
    client_id: clientIdOf(id),
    node_id: nodeId('App', id),
    owner: userShape(site, owner),
    name: slug,
    description: '',
    external_url: `${site.serverUrl}/apps/${slug}`,
    html_url: `${site.serverUrl}/apps/${slug}`,
    created_at: createdAt,
    updated_at: createdAt,
    permissions: app === undefined ? { checks: 'write' } : { metadata: 'read', ...app.permissions },
    events: [],
  };
}

export function installationShape(site: Site, app: App, installation: Installation) {
  const account = site.accounts.ensure(installation.owner, 'Organization');
  const { createdAt } = site.accounts.ensure(`${app.slug}[bot]`);
  return {
    id: installation.id,
    account: userShape(site, account.login),
    repository_selection: 'selected',
    access_tokens_url: `${site.apiUrl}/app/installations/${installation.id}/access_tokens`,
    repositories_url: `${site.apiUrl}/installation/repositories`,
    html_url: `${site.serverUrl}/organizations/${account.login}/settings/installations/${installation.id}`,
    app_id: app.id,
    app_slug: app.slug,
    target_id: account.id,
    target_type: account.type,
    permissions: { metadata: 'read', ...app.permissions },
    events: [],
    single_file_name: null,
    created_at: createdAt,
    updated_at: createdAt,
    suspended_by: null,
    suspended_at: null,
  };
}
