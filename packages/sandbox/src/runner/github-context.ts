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

/**
 * Returns the `GITHUB_*` variables that describe the context to a step, each with its property's name in capitals.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/variables
 */
export function envFromContext(context: GitHubContext): Record<string, string> {
  const entries = Object.entries(context).flatMap(([key, value]) =>
    key === 'token' || (typeof value !== 'string' && typeof value !== 'number')
      ? []
      : [[`GITHUB_${key.toUpperCase()}`, String(value)] as const],
  );
  return Object.fromEntries(entries);
}
