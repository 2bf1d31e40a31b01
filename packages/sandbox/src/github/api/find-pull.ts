import { notFound } from '../api-error.ts';
import { isPullRequest, type PullRequest } from '../pull-request.ts';
import { synchronisePulls } from '../pull-requests.ts';
import { numberParameter, type RepositoryCall } from '../route.ts';

/** The pull request in the path, brought up to its branches first. */
export async function findPull(call: RepositoryCall): Promise<PullRequest> {
  const request = call.repository.issue(numberParameter(call, 'pull_number'));
  if (!isPullRequest(request)) throw notFound();
  await synchronisePulls(call.site, call.repository);
  return request;
}
