import { createHash } from 'node:crypto';
import type { HostedRepository } from '../hosted-repository.ts';
import type { Site } from '../site.ts';
import { repositoryPage, repositoryUrl } from './repository-shape.ts';
import { nodeId } from './user-shape.ts';

/** The id of a workflow: its path's, whatever the file says. */
export function workflowId(repository: HostedRepository, path: string): number {
  const digest = createHash('sha256').update(`${repository.record.id}/${path}`).digest();
  return digest.readUInt32BE(0);
}

/** @see https://docs.github.com/en/rest/actions/workflows */
export function workflowShape(site: Site, repository: HostedRepository, path: string, name: string) {
  const id = workflowId(repository, path);
  const file = path.split('/').at(-1) ?? '';
  const { createdAt, pushedAt } = repository.record;
  return {
    id,
    node_id: nodeId('Workflow', id),
    name,
    path,
    state: 'active',
    created_at: createdAt,
    updated_at: pushedAt,
    url: `${repositoryUrl(site, repository)}/actions/workflows/${id}`,
    html_url: `${repositoryPage(site, repository)}/blob/HEAD/${path}`,
    badge_url: `${repositoryPage(site, repository)}/actions/workflows/${file}/badge.svg`,
  };
}
