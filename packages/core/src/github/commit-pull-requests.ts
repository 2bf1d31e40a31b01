import type { GitHub } from './connect.ts';
import { AnswerReader } from './json-shape.ts';
import { type PullRequest, parsePullRequest, splitRepository } from './pull-request.ts';

/**
 * Lists the pull requests that were merged into `base` and brought a commit there; its head is what it was when it was
 * merged. https://docs.github.com/rest/commits/commits#list-pull-requests-associated-with-a-commit
 */
export async function listMergedPullRequests(
  github: GitHub,
  repository: string,
  commit: string,
  base: string,
): Promise<readonly PullRequest[]> {
  const purpose = {
    what: `the pull requests of the commit ${commit} of ${repository}`,
    permission: 'pull-requests: read',
  };
  const read = new AnswerReader(purpose.what);
  const parameters = { ...splitRepository(repository), commit_sha: commit };
  const answers = await github.list('/repos/{owner}/{repo}/commits/{commit_sha}/pulls', parameters, purpose);
  return answers
    .filter((answer) => typeof read.object(answer, 'pull request')['merged_at'] === 'string')
    .map((answer) => parsePullRequest(answer, purpose))
    .filter(({ baseRef }) => baseRef === base);
}
