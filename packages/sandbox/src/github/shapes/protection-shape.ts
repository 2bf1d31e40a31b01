import type { HostedRepository } from '../hosted-repository.ts';
import type { EnvironmentRecord, ProtectionRecord } from '../records.ts';
import type { Site } from '../site.ts';
import { repositoryPage, repositoryUrl } from './repository-shape.ts';
import { nodeId } from './user-shape.ts';

/** What everybody who sees a branch is told of its protection. */
export function protectionSummary(rules: ProtectionRecord | undefined) {
  const isOld = rules?.kind === 'branch-protection';
  const checks = isOld ? rules.checks : [];
  return {
    protected: rules !== undefined,
    protection: {
      enabled: isOld,
      required_status_checks: {
        enforcement_level: isOld ? 'everyone' : 'off',
        contexts: checks.map(({ context }) => context),
        checks: checks.map(({ context, appId }) => ({ context, app_id: appId })),
      },
    },
  };
}

const disabled = { enabled: false };

/** A branch protection as its administrators see it. */
export function protectionShape(site: Site, repository: HostedRepository, branch: string, rules: ProtectionRecord) {
  const url = `${repositoryUrl(site, repository)}/branches/${encodeURIComponent(branch)}/protection`;
  return {
    url,
    ...(rules.checks.length === 0
      ? {}
      : {
          required_status_checks: {
            url: `${url}/required_status_checks`,
            strict: rules.strict,
            contexts: rules.checks.map(({ context }) => context),
            contexts_url: `${url}/required_status_checks/contexts`,
            checks: rules.checks.map(({ context, appId }) => ({ context, app_id: appId })),
          },
        }),
    ...(rules.approvals === 0
      ? {}
      : {
          required_pull_request_reviews: {
            url: `${url}/required_pull_request_reviews`,
            dismiss_stale_reviews: rules.dismissStale,
            require_code_owner_reviews: false,
            require_last_push_approval: false,
            required_approving_review_count: rules.approvals,
          },
        }),
    enforce_admins: { url: `${url}/enforce_admins`, enabled: true },
    required_linear_history: disabled,
    allow_force_pushes: disabled,
    allow_deletions: disabled,
    block_creations: disabled,
    required_conversation_resolution: disabled,
    lock_branch: disabled,
    allow_fork_syncing: disabled,
  };
}

/** The rules of a ruleset for one branch. @see https://docs.github.com/en/rest/repos/rules#get-rules-for-a-branch */
export function rulesShape(repository: HostedRepository, rules: ProtectionRecord) {
  const origin = { ruleset_source_type: 'Repository', ruleset_source: repository.fullName, ruleset_id: 1 };
  const checks = {
    type: 'required_status_checks',
    parameters: {
      strict_required_status_checks_policy: rules.strict,
      do_not_enforce_on_create: false,
      required_status_checks: rules.checks.map(({ context, appId }) => ({
        context,
        ...(appId === null ? {} : { integration_id: appId }),
      })),
    },
  };
  const reviews = {
    type: 'pull_request',
    parameters: {
      required_approving_review_count: rules.approvals,
      dismiss_stale_reviews_on_push: rules.dismissStale,
      require_code_owner_review: false,
      require_last_push_approval: false,
      required_review_thread_resolution: false,
      allowed_merge_methods: ['merge', 'squash'],
    },
  };
  return [
    ...(rules.approvals === 0 ? [] : [{ ...reviews, ...origin }]),
    ...(rules.checks.length === 0 ? [] : [{ ...checks, ...origin }]),
  ];
}

export function environmentShape(site: Site, repository: HostedRepository, environment: EnvironmentRecord) {
  const { id, name, createdAt, branches } = environment;
  return {
    id,
    node_id: nodeId('Environment', id),
    name,
    url: `${repositoryUrl(site, repository)}/environments/${encodeURIComponent(name)}`,
    html_url: `${repositoryPage(site, repository)}/deployments/activity_log?environments_filter=${encodeURIComponent(name)}`,
    created_at: createdAt,
    updated_at: createdAt,
    protection_rules: branches === null ? [] : [{ id, node_id: nodeId('GateType', id), type: 'branch_policy' }],
    deployment_branch_policy: branches === null ? null : { protected_branches: false, custom_branch_policies: true },
  };
}
