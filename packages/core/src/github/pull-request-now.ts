import type { GitHub } from './connect.ts';
import { AnswerReader } from './json-shape.ts';
import { type PullRequest, parsePullRequest, splitRepository } from './pull-request.ts';

/** A pull request with what can change without a push. */
export interface PullRequestNow extends PullRequest {
  readonly isOpen: boolean;
  /** Names of its labels. */
  readonly labels: readonly string[];
}

/** Reads a pull request, its state and its labels, in one request. */
export async function readPullRequestNow(github: GitHub, repository: string, number: number): Promise<PullRequestNow> {
  const purpose = { what: `pull request #${number} of ${repository}`, permission: 'pull-requests: read' };
  const read = new AnswerReader(purpose.what);
  const parameters = { ...splitRepository(repository), pull_number: number };
  const answer = await github.get('/repos/{owner}/{repo}/pulls/{pull_number}', parameters, purpose);
  const pull = read.object(answer, 'pull request');
  return {
    ...parsePullRequest(answer, purpose),
    isOpen: read.text(pull['state'], 'state') === 'open',
    labels: read
      .list(pull['labels'], 'labels')
      .map((label) => read.text(read.object(label, 'label')['name'], 'label.name')),
  };
}
