import type { GitHub } from './connect.ts';
import { GitHubError } from './github-error.ts';
import { AnswerReader } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';

/** What somebody said about a pull request at one commit. */
export interface Review {
  readonly id: number;
  /** Login; `ghost` when the account was deleted. */
  readonly author: string;
  readonly isBot: boolean;
  /** `APPROVED`, `CHANGES_REQUESTED`, `DISMISSED`, `COMMENTED`, `PENDING`. */
  readonly state: string;
  /** The head that was reviewed; empty where GitHub does not know it any more. */
  readonly commit: string;
  /** Undefined for one that is not submitted. */
  readonly submittedAt: Date | undefined;
}

/** Lists the reviews of a pull request, the oldest first; https://docs.github.com/rest/pulls/reviews#list-reviews-for-a-pull-request. */
export async function listReviews(github: GitHub, repository: string, number: number): Promise<Review[]> {
  const purpose = {
    what: `the reviews of pull request #${number} of ${repository}`,
    permission: 'pull-requests: read',
  };
  const read = new AnswerReader(purpose.what);
  const parameters = { ...splitRepository(repository), pull_number: number };
  const answers = await github.list('/repos/{owner}/{repo}/pulls/{pull_number}/reviews', parameters, purpose);
  return answers
    .map((answer) => {
      const review = read.object(answer, 'review');
      const user = review['user'] === null ? { login: 'ghost', type: 'User' } : read.object(review['user'], 'user');
      const submittedAt = read.optionalText(review['submitted_at'], 'submitted_at');
      return {
        id: read.integer(review['id'], 'id'),
        author: read.text(user['login'], 'user.login'),
        isBot: read.text(user['type'], 'user.type') === 'Bot',
        state: read.text(review['state'], 'state'),
        commit: read.optionalText(review['commit_id'], 'commit_id'),
        submittedAt: submittedAt === '' ? undefined : new Date(submittedAt),
      };
    })
    .sort((a, b) => a.id - b.id);
}

/** Who is asked to review: logins, and slugs of teams of the repository's organisation. */
export interface Reviewers {
  readonly users: readonly string[];
  readonly teams: readonly string[];
}

/**
 * Asks for reviews; false when GitHub refuses one of the names: a reviewer must be able to read the repository, and is
 * not the author. https://docs.github.com/rest/pulls/review-requests#request-reviewers-for-a-pull-request
 */
export async function requestReviews(
  github: GitHub,
  repository: string,
  number: number,
  { users, teams }: Reviewers,
): Promise<boolean> {
  const purpose = { what: `reviewers of #${number} of ${repository}`, permission: 'pull-requests: write' };
  const body = { ...splitRepository(repository), pull_number: number, reviewers: users, team_reviewers: teams };
  try {
    await github.send('POST', '/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers', body, purpose);
    return true;
  } catch (error) {
    if (error instanceof GitHubError && error.status === 422) return false;
    throw error;
  }
}
