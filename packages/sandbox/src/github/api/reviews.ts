import { type Answer, listPage, ok } from '../answer.ts';
import { ApiError, unprocessable } from '../api-error.ts';
import { isOid } from '../git/objects.ts';
import { announceReview } from '../pull-request-events.ts';
import type { ReviewRecord, ReviewState } from '../records.ts';
import { actorOf, type RepositoryCall, type Route, repositoryRoute, senderOfCall } from '../route.ts';
import { reviewShape } from '../shapes/pull-request-shape.ts';
import { findPull } from './find-pull.ts';

const states: Readonly<Record<'APPROVE' | 'REQUEST_CHANGES' | 'COMMENT' | 'PENDING', ReviewState>> = {
  APPROVE: 'APPROVED',
  REQUEST_CHANGES: 'CHANGES_REQUESTED',
  COMMENT: 'COMMENTED',
  PENDING: 'PENDING',
};

async function listReviews(call: RepositoryCall): Promise<Answer> {
  const { number } = await findPull(call);
  const reader = call.actor?.login;
  // A review that is not submitted is its author's own.
  const reviews = call.repository.record.reviews.filter(
    ({ pull, state, user }) => pull === number && (state !== 'PENDING' || user === reader),
  );
  return listPage(call, reviews, (review) => reviewShape(call.site, call.repository, review));
}

async function createReview(call: RepositoryCall): Promise<Answer> {
  const { site, repository, payload } = call;
  const request = await findPull(call);
  const user = actorOf(call).login;
  const event = payload.optionalChoice('event', ['APPROVE', 'REQUEST_CHANGES', 'COMMENT']) ?? 'PENDING';
  const body = payload.optionalString('body') ?? '';
  if ((payload.optionalList('comments') ?? []).length > 0) {
    throw unprocessable('The sandbox keeps no comments on lines; put them into the body of the review');
  }
  if (user.toLowerCase() === request.user.toLowerCase() && (event === 'APPROVE' || event === 'REQUEST_CHANGES')) {
    const deed = event === 'APPROVE' ? 'approve' : 'request changes on';
    throw new ApiError(422, 'Unprocessable Entity', [`Can not ${deed} your own pull request`]);
  }
  if (body === '' && (event === 'REQUEST_CHANGES' || event === 'COMMENT')) {
    throw new ApiError(422, 'Unprocessable Entity', ['Body cannot be blank']);
  }
  const commitId = payload.optionalString('commit_id') ?? request.pull.headSha;
  if (!isOid(commitId) || (await repository.git.info(commitId))?.type !== 'commit') {
    throw new ApiError(422, 'Unprocessable Entity', ['Commit is not part of the pull request']);
  }
  const submittedAt = event === 'PENDING' ? null : site.timestamp();
  const id = repository.nextId();
  const review: ReviewRecord = { id, pull: request.number, user, body, state: states[event], commitId, submittedAt };
  repository.record.reviews.push(review);
  const { requested } = request.pull;
  const isHim = (login: string): boolean => login.toLowerCase() === user.toLowerCase();
  if (requested !== undefined && event !== 'PENDING') {
    request.pull.requested = { ...requested, users: requested.users.filter((login) => !isHim(login)) };
  }
  repository.save();
  if (event !== 'PENDING') await announceReview(site, repository, senderOfCall(call), 'submitted', request, review);
  return ok(reviewShape(site, repository, review));
}

export const reviewRoutes: readonly Route[] = [
  repositoryRoute('GET', '/pulls/{pull_number}/reviews', ['pull_requests:read'], listReviews),
  repositoryRoute('POST', '/pulls/{pull_number}/reviews', ['pull_requests:write'], createReview),
];
