import { findBranchHead } from '@slipway/core/github/branch';
import { listCheckRuns } from '@slipway/core/github/check-run';
import type { GitHub } from '@slipway/core/github/connect';
import { asMapping, asText, parseYaml } from '@slipway/sandbox/runner/yaml-value';

/** Returns the names of the checks that a workflow makes: those of its jobs. */
export function checksOf(workflow: string): string[] {
  const { jobs } = asMapping(parseYaml(workflow, 'the workflow'), 'the workflow');
  return Object.entries(asMapping(jobs, 'jobs')).map(([id, job]) => asText(asMapping(job, id)['name'] ?? id, id));
}

/**
 * Throws unless `commit` is the head of the branch and each of the checks has succeeded on it: the newest run of a name
 * counts, and only GitHub's own, for others may write checks of the same name.
 */
export async function requireGreen(
  github: GitHub,
  repository: string,
  { branch, commit, checks }: { readonly branch: string; readonly commit: string; readonly checks: readonly string[] },
): Promise<void> {
  const head = await findBranchHead(github, repository, branch);
  if (head !== commit) {
    throw new Error(
      `${branch} of ${repository} is at ${head ?? 'no commit'}, not at ${commit} any more. Start again from its head.`,
    );
  }
  const states = await Promise.all(
    checks.map(async (name) => {
      const runs = await listCheckRuns(github, repository, commit, name);
      const run = runs.find(({ author }) => author === 'github-actions[bot]');
      return { name, state: run === undefined ? 'missing' : run.conclusion || run.status };
    }),
  );
  const open = states.filter(({ state }) => state !== 'success');
  if (open.length === 0) return;
  const list = open.map(({ name, state }) => `${name} (${state})`).join(', ');
  throw new Error(`${branch} is not green at ${commit}: ${list}. Mend it, or wait for it, and start again.`);
}
