import { randomBytes } from 'node:crypto';
import { actionsApp } from '../github/announce.ts';
import type { AccessLevel } from '../github/authentication.ts';
import type { Site } from '../github/site.ts';
import type { JobGrant, JobRequest, Permissions } from '../runner/run-workflow.ts';
import { passes } from './filter-pattern.ts';
import type { Run } from './run.ts';

/**
 * Gives a job its own token, GITHUB_TOKEN, and what its environment has. The token reaches the run's repository alone,
 * can do only what the job's permissions say, only reads where the run comes out of a fork, and dies with the job.
 *
 * @see https://docs.github.com/en/actions/concepts/security/github_token
 */
export function openGrant(site: Site, run: Run, job: JobRequest): JobGrant {
  const { source, occasion } = run;
  const variables = job.environment === undefined ? {} : openEnvironment(run, job.environment);
  const token = `ghs_${randomBytes(18).toString('hex')}`;
  const login = `${actionsApp}[bot]`;
  site.accounts.ensure(login);
  site.tokens.set(token, {
    token,
    login,
    app: actionsApp,
    repositories: [source.fullName],
    permissions: tokenPermissions(job.permissions, occasion.fromFork),
  });
  return {
    token,
    ...(occasion.fromFork ? {} : variables),
    close: async () => {
      site.tokens.delete(token);
    },
  };
}

/** Throws where the run's branch may not deploy there. Who would have to approve a deployment is not modelled. */
function openEnvironment({ source, occasion }: Run, name: string) {
  const { branches } = source.environment(name);
  const branch = occasion.ref.replace(/^refs\/(heads|tags)\//, '');
  if (branches !== null && !passes(branch, branches)) {
    throw new Error(`Branch "${branch}" is not allowed to deploy to ${name} due to environment protection rules.`);
  }
  return source.variablesOf(name);
}

/** GitHub's API writes the names with underscores. */
function tokenPermissions(permissions: Permissions, readOnly: boolean): Record<string, AccessLevel> {
  const granted: Record<string, AccessLevel> = { metadata: 'read' };
  for (const [name, level] of Object.entries(permissions)) {
    if (level !== 'none') granted[name.replaceAll('-', '_')] = readOnly ? 'read' : level;
  }
  return granted;
}
