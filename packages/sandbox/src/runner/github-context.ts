/** What steps can read as the context `github`; `token` is in it, and in no environment variable. */
export type GitHubContext = Readonly<Record<string, unknown>>;

/** Files of a step, not facts about the job. */
const FILES = new Set(['output', 'step_summary', 'env', 'path', 'state']);

/** Returns the context that the `GITHUB_*` variables in `env` describe, with the event's payload. */
export function contextFromEnv(env: Readonly<Record<string, string>>, event: unknown): GitHubContext {
  const entries = Object.entries(env).flatMap(([variable, value]) => {
    const [, name] = /^GITHUB_(.+)$/.exec(variable) ?? [];
    const key = name?.toLowerCase();
    return key === undefined || FILES.has(key) ? [] : [[key, value] as const];
  });
  return { ...Object.fromEntries(entries), event };
}

/** What of the context is a variable too. */
const VARIABLES = new Set([
  'action',
  'actor',
  'actor_id',
  'api_url',
  'base_ref',
  'event_name',
  'graphql_url',
  'head_ref',
  'job',
  'ref',
  'ref_name',
  'ref_protected',
  'ref_type',
  'repository',
  'repository_id',
  'repository_owner',
  'repository_owner_id',
  'retention_days',
  'run_attempt',
  'run_id',
  'run_number',
  'server_url',
  'sha',
  'triggering_actor',
  'workflow',
  'workflow_ref',
  'workflow_sha',
  'workspace',
]);

/**
 * Returns the `GITHUB_*` variables that describe the context to a step, each with its property's name in capitals.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/variables
 */
export function envFromContext(context: GitHubContext): Record<string, string> {
  const entries = Object.entries(context).flatMap(([key, value]) =>
    VARIABLES.has(key) && value !== undefined && value !== null
      ? [[`GITHUB_${key.toUpperCase()}`, String(value)] as const]
      : [],
  );
  return Object.fromEntries(entries);
}
