import type { IssueRecord } from '../records.ts';
import { actorOf, type RepositoryCall } from '../route.ts';

/** Returns what an issue and a pull request have in common when a call opens one; pull requests are issues. */
export function newIssue(call: RepositoryCall, title: string): Omit<IssueRecord, 'labels' | 'pull'> {
  const { site, repository, payload } = call;
  const createdAt = site.timestamp();
  return {
    id: repository.nextId(),
    number: repository.nextNumber(),
    title,
    body: payload.optionalString('body') ?? null,
    user: actorOf(call).login,
    state: 'open',
    createdAt,
    updatedAt: createdAt,
    closedAt: null,
  };
}
