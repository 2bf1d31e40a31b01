import { ApiError } from './api-error.ts';
import type { TokenOptions } from './authentication.ts';
import { gitText } from './git/git-command.ts';
import type { GitRepository } from './git/git-repository.ts';

/** Where GitHub looks for workflows. */
export const workflowFolder = '.github/workflows';

/** Tells whether a token may bring in workflow files: a user's may, an app's with that permission, a job's never. */
export const mayWriteWorkflows = ({ permissions }: TokenOptions): boolean =>
  permissions === undefined || permissions['workflows'] === 'write';

/**
 * Refuses a commit that brings a change to a workflow file which no branch has yet.
 *
 * @see https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps#repository-permissions-for-workflows
 */
export async function refuseWorkflows(git: GitRepository, actor: TokenOptions, commit: string): Promise<void> {
  if (mayWriteWorkflows(actor)) return;
  const log = ['log', '-1', '--format=%H', commit, '--not', '--branches', '--', workflowFolder];
  if ((await gitText(git.directory, log)) === '') return;
  throw new ApiError(403, 'Resource not accessible by integration');
}
