import { notFound } from '../api-error.ts';
import type { Access } from '../authentication.ts';
import type { IssueRecord } from '../records.ts';
import { numberParameter, type RepositoryCall } from '../route.ts';

/** Pull requests are issues: either permission opens them. */
export const issueRead: readonly Access[] = ['issues:read', 'pull_requests:read'];
export const issueWrite: readonly Access[] = ['issues:write', 'pull_requests:write'];

export function findIssue(call: RepositoryCall): IssueRecord {
  const issue = call.repository.issue(numberParameter(call, 'issue_number'));
  if (issue === undefined) throw notFound();
  return issue;
}
