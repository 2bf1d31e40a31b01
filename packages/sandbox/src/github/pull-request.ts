import type { GitRepository } from './git/git-repository.ts';
import { mergeBase } from './git/history.ts';
import type { HostedRepository } from './hosted-repository.ts';
import type { IssueRecord, PullRecord } from './records.ts';

/** An issue that is a pull request. */
export interface PullRequest extends IssueRecord {
  readonly pull: PullRecord;
}

export const isPullRequest = (issue: IssueRecord | undefined): issue is PullRequest =>
  issue !== undefined && issue.pull !== null;

export const pullRequestsOf = ({ record }: HostedRepository): PullRequest[] => record.issues.filter(isPullRequest);

/** The commit against which a pull request's changes are shown: where it left the base branch. */
export async function comparisonBase(git: GitRepository, request: PullRequest): Promise<string> {
  const { pull } = request;
  const base = request.state === 'open' ? await git.branch(pull.baseRef) : undefined;
  return (await mergeBase(git, base ?? pull.baseSha, pull.headSha)) ?? pull.baseSha;
}
