import { notFound } from '../api-error.ts';
import type { UserRecord } from '../records.ts';
import type { Site } from '../site.ts';

/** Ids for GraphQL: opaque to clients. */
export const nodeId = (kind: string, id: number | string): string => Buffer.from(`${kind}:${id}`).toString('base64url');

/** GitHub's "simple user". */
export function userShape(site: Site, login: string) {
  const { id, login: name, type } = site.accounts.ensure(login);
  const url = `${site.apiUrl}/users/${encodeURIComponent(name)}`;
  return {
    login: name,
    id,
    node_id: nodeId('User', id),
    avatar_url: `${site.serverUrl}/avatars/u/${id}`,
    gravatar_id: '',
    url,
    html_url: `${site.serverUrl}/${type === 'Bot' ? `apps/${name.replace('[bot]', '')}` : name}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type,
    user_view_type: 'public',
    site_admin: false,
  };
}

/** The user of a commit: GitHub knows it by the address, and the sandbox knows GitHub's own addresses only. */
export function committerShape(site: Site, email: string) {
  const login = /^(?:\d+\+)?([^@]+)@users\.noreply\./.exec(email)?.[1];
  return login === undefined || site.accounts.find(login) === undefined ? null : userShape(site, login);
}

/** GitHub's "public user": what everybody sees on a profile. */
export function profileShape(site: Site, user: UserRecord | undefined) {
  if (user === undefined) throw notFound();
  const owned = site
    .repositories()
    .filter(({ record }) => record.owner.toLowerCase() === user.login.toLowerCase() && !record.private);
  return {
    ...userShape(site, user.login),
    name: null,
    company: null,
    blog: '',
    location: null,
    email: null,
    hireable: null,
    bio: null,
    public_repos: owned.length,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: user.createdAt,
    updated_at: user.createdAt,
  };
}
