import { announce } from './announce.ts';
import type { Happening, Sender } from './event-bus.ts';
import type { HostedRepository } from './hosted-repository.ts';
import type { JsonObject } from './payload.ts';
import type { PullRequest } from './pull-request.ts';
import type { ReviewRecord } from './records.ts';
import { fullPullRequestShape, reviewShape } from './shapes/pull-request-shape.ts';
import type { Site } from './site.ts';

export type PullAction =
  | 'opened'
  | 'edited'
  | 'closed'
  | 'reopened'
  | 'synchronize'
  | 'labeled'
  | 'unlabeled'
  | 'ready_for_review'
  | 'converted_to_draft'
  | 'review_requested'
  | 'review_request_removed';

const happening = (
  name: 'pull_request' | 'pull_request_review',
  action: string,
  { number, pull }: PullRequest,
): Happening => ({
  name,
  action,
  number,
  headRepository: pull.headRepository,
  headRef: pull.headRef,
  headSha: pull.headSha,
  baseRef: pull.baseRef,
  baseSha: pull.baseSha,
  mergeSha: pull.mergeCommitSha,
  merged: pull.mergedAt !== null,
});

/**
 * Tells of a change to a pull request; `more` are the fields that only this action has.
 *
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request
 */
export function announcePull(
  site: Site,
  repository: HostedRepository,
  sender: Sender,
  action: PullAction,
  request: PullRequest,
  more: JsonObject = {},
): Promise<void> {
  return announce(site, repository, sender, happening('pull_request', action, request), async () => ({
    number: request.number,
    ...more,
    pull_request: await fullPullRequestShape(site, repository, request),
  }));
}

/** @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request_review */
export function announceReview(
  site: Site,
  repository: HostedRepository,
  sender: Sender,
  action: 'submitted' | 'dismissed',
  request: PullRequest,
  review: ReviewRecord,
): Promise<void> {
  return announce(site, repository, sender, happening('pull_request_review', action, request), async () => {
    const shape = reviewShape(site, repository, review);
    return {
      // The webhook writes in lower case what REST writes in capitals.
      review: { ...shape, state: shape.state.toLowerCase() },
      pull_request: await fullPullRequestShape(site, repository, request),
    };
  });
}
