import { ActionError, ConfigurationError } from '../errors.ts';
import type { GitHub } from '../github/connect.ts';
import { readProtection } from '../github/protection.ts';
import type { Runtime } from './action.ts';

/**
 * Warns when a branch does not require a check, or takes it from anybody: what the check says then keeps nobody from
 * merging. Nothing fails for it, and nothing is said where the token may not see the rules.
 */
export async function warnUnlessRequired(
  github: GitHub,
  repository: string,
  { branch, check }: { readonly branch: string; readonly check: string },
  runtime: Runtime,
): Promise<void> {
  const message = await findHole(github, repository, branch, check).catch((error: unknown) => {
    if (error instanceof ActionError || error instanceof ConfigurationError) return undefined;
    throw error;
  });
  if (message !== undefined) runtime.annotate({ severity: 'warning', title: 'required check', message });
}

async function findHole(
  github: GitHub,
  repository: string,
  branch: string,
  check: string,
): Promise<string | undefined> {
  const { checks } = await readProtection(github, repository, branch);
  const required = checks.filter(({ name }) => name === check);
  if (required.length === 0) {
    return `'${check}' is not required for '${branch}': whatever it says, anybody who can write may merge. Require it in Settings → Rules → Rulesets, from your App.`;
  }
  if (required.some(({ app }) => app !== undefined)) return undefined;
  return `'${check}' is required for '${branch}' from any source: a workflow of this repository could write it as well. Choose your App as its source in Settings → Rules → Rulesets.`;
}
