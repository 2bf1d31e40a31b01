import { type Answer, ok } from '../answer.ts';
import { unprocessable } from '../api-error.ts';
import type { PullRequest } from '../pull-request.ts';
import { announcePull } from '../pull-request-events.ts';
import { type RepositoryCall, type Route, repositoryRoute, senderOfCall } from '../route.ts';
import { pullRequestShape, requestedShape } from '../shapes/pull-request-shape.ts';
import { userShape } from '../shapes/user-shape.ts';
import { findPull } from './find-pull.ts';

const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

const names = (list: readonly unknown[] | undefined): string[] => (list ?? []).map(String);

async function list(call: RepositoryCall): Promise<Answer> {
  const { requested_reviewers: users, requested_teams: teams } = requestedShape(
    call.site,
    call.repository,
    await findPull(call),
  );
  return ok({ users, teams });
}

async function add(call: RepositoryCall): Promise<Answer> {
  const { site, repository, payload } = call;
  const request = await findPull(call);
  const users = names(payload.optionalList('reviewers'));
  const teams = names(payload.optionalList('team_reviewers'));
  if (users.some((login) => same(login, request.user))) {
    throw unprocessable('Review cannot be requested from pull request author.');
  }
  const isStrange = (login: string): boolean => site.accounts.find(login) === undefined;
  if (users.some(isStrange) || teams.some((slug) => site.accounts.team(repository.record.owner, slug) === undefined)) {
    throw unprocessable(
      'Reviews may only be requested from collaborators. One or more of the users or teams is not one.',
    );
  }
  const old = request.pull.requested ?? { users: [], teams: [] };
  const added = users.filter((login) => !old.users.some((each) => same(each, login)));
  const addedTeams = teams.filter((slug) => !old.teams.some((each) => same(each, slug)));
  request.pull.requested = { users: [...old.users, ...added], teams: [...old.teams, ...addedTeams] };
  repository.save();
  for (const login of added) {
    await announcePull(site, repository, senderOfCall(call), 'review_requested', request, {
      requested_reviewer: userShape(site, login),
    });
  }
  return { status: 201, json: await pullRequestShape(site, repository, request) };
}

async function remove(call: RepositoryCall): Promise<Answer> {
  const { site, repository, payload } = call;
  const request: PullRequest = await findPull(call);
  const users = names(payload.optionalList('reviewers'));
  const teams = names(payload.optionalList('team_reviewers'));
  const old = request.pull.requested ?? { users: [], teams: [] };
  request.pull.requested = {
    users: old.users.filter((login) => !users.some((each) => same(each, login))),
    teams: old.teams.filter((slug) => !teams.some((each) => same(each, slug))),
  };
  repository.save();
  for (const login of old.users.filter((each) => !request.pull.requested?.users.includes(each))) {
    await announcePull(site, repository, senderOfCall(call), 'review_request_removed', request, {
      requested_reviewer: userShape(site, login),
    });
  }
  return ok(await pullRequestShape(site, repository, request));
}

export const requestedReviewerRoutes: readonly Route[] = [
  repositoryRoute('GET', '/pulls/{pull_number}/requested_reviewers', ['pull_requests:read'], list),
  repositoryRoute('POST', '/pulls/{pull_number}/requested_reviewers', ['pull_requests:write'], add),
  repositoryRoute('DELETE', '/pulls/{pull_number}/requested_reviewers', ['pull_requests:write'], remove),
];
