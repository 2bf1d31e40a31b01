import type { Site } from '../github/site.ts';
import type { GitHubContext } from '../runner/github-context.ts';
import type { Run } from './run.ts';

/**
 * The context `github` of a run, without its token.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#github-context
 */
export function runContext(site: Site, run: Run): GitHubContext {
  const { occasion, source } = run;
  const { ref } = occasion;
  const owner = site.accounts.ensure(source.record.owner);
  const name = ref.replace(/^refs\/(heads|tags|pull)\//, '');
  return {
    event_name: run.event,
    event: run.payload,
    repository: run.repository,
    repository_id: String(source.record.id),
    repository_owner: owner.login,
    repository_owner_id: String(owner.id),
    repositoryUrl: `git://${new URL(site.serverUrl).host}/${run.repository}.git`,
    ref,
    ref_name: name,
    ref_type: ref.startsWith('refs/tags/') ? 'tag' : 'branch',
    ref_protected: source.record.protections[name] !== undefined,
    sha: occasion.sha,
    head_ref: occasion.headRef,
    base_ref: occasion.baseRef,
    workflow: run.name,
    workflow_ref: `${run.repository}/${run.path}@${occasion.sourceRef}`,
    workflow_sha: occasion.source,
    actor: run.actor,
    actor_id: String(site.accounts.ensure(run.actor).id),
    triggering_actor: run.triggeringActor,
    run_id: String(run.id),
    run_number: String(run.number),
    run_attempt: String(run.attempt),
    retention_days: '90',
    secret_source: occasion.fromFork ? 'None' : 'Actions',
    server_url: site.serverUrl,
    api_url: site.apiUrl,
    graphql_url: `${site.serverUrl}/api/graphql`,
  };
}
