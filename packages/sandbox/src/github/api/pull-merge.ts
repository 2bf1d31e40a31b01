import { type Answer, ok } from '../answer.ts';
import { ApiError, unprocessable } from '../api-error.ts';
import { commitsBetween, mergeTrees } from '../git/history.ts';
import { type Commit, isOid } from '../git/objects.ts';
import { mergeObstacle } from '../protection.ts';
import type { PullRequest } from '../pull-request.ts';
import { announcePull } from '../pull-request-events.ts';
import { markMerged, signatureOf, synchroniseAround } from '../pull-requests.ts';
import { moveRef } from '../pushes.ts';
import { actorOf, type RepositoryCall, type Route, repositoryRoute, senderOfCall } from '../route.ts';
import { findPull } from './find-pull.ts';

interface Text {
  readonly title: string;
  readonly body: string;
}

async function merge(call: RepositoryCall): Promise<Answer> {
  const { site, repository, payload } = call;
  const method = payload.optionalChoice('merge_method', ['merge', 'squash', 'rebase']) ?? 'merge';
  if (method === 'rebase') throw new ApiError(405, 'Rebase merges are not allowed on this repository.');
  const expected = payload.optionalString('sha');
  if (expected !== undefined && !isOid(expected)) throw unprocessable('sha is not a full commit id');
  const request = await findPull(call);
  const sha = await repository.exclusively(async () => {
    const { git } = repository;
    const { pull } = request;
    if (request.state === 'closed') throw new ApiError(405, 'Pull Request is not mergeable');
    if (pull.draft) throw new ApiError(405, 'Pull Request is still a draft');
    if (expected !== undefined && expected !== pull.headSha) {
      throw new ApiError(409, 'Head branch was modified. Review and try the merge again.');
    }
    const obstacle = await mergeObstacle(site, repository, request, actorOf(call).login);
    if (obstacle !== undefined) throw new ApiError(405, obstacle);
    const base = await git.branch(pull.baseRef);
    const tree = base === undefined ? undefined : await mergeTrees(git, base, pull.headSha);
    if (base === undefined || tree === undefined) throw new ApiError(405, 'Pull Request is not mergeable');
    const text = method === 'merge' ? mergeText(request) : await squashText(call, request, base);
    const title = payload.optionalString('commit_title') ?? text.title;
    const body = payload.optionalString('commit_message') ?? text.body;
    const author = signatureOf(site, method === 'squash' ? request.user : actorOf(call).login);
    const commit = await git.writeCommit({
      tree,
      parents: method === 'merge' ? [base, pull.headSha] : [base],
      author,
      committer: { ...author, name: 'GitHub', email: 'noreply@github.com' },
      message: body === '' ? title : `${title}\n\n${body}`,
      gpgSignature: null,
    });
    const sender = senderOfCall(call);
    const change = { ref: `refs/heads/${pull.baseRef}`, before: base, after: commit };
    if (!(await moveRef(site, repository, sender, change))) {
      throw new ApiError(405, 'Base branch was modified. Review and try the merge again.');
    }
    markMerged(site, request, commit, actorOf(call).login);
    repository.save();
    await announcePull(site, repository, sender, 'closed', request);
    return commit;
  });
  await synchroniseAround(site, repository);
  return ok({ sha, merged: true, message: 'Pull Request successfully merged' });
}

function mergeText({ number, title, pull }: PullRequest): Text {
  const [owner = ''] = pull.headRepository.split('/');
  return { title: `Merge pull request #${number} from ${owner}/${pull.headRef}`, body: title };
}

/** One commit keeps its words; several become a list below the pull request's title. */
async function squashText({ repository }: RepositoryCall, request: PullRequest, base: string): Promise<Text> {
  const oids = await commitsBetween(repository.git, base, request.pull.headSha);
  const commits = await Promise.all(oids.map((oid) => repository.git.commit(oid)));
  const messages = commits
    .filter((commit): commit is Commit => commit !== undefined)
    .map(({ message }) => message.trim());
  const [only, another] = messages;
  if (only !== undefined && another === undefined) {
    const [title = '', ...body] = only.split('\n');
    return { title: `${title} (#${request.number})`, body: body.join('\n').trim() };
  }
  return { title: `${request.title} (#${request.number})`, body: messages.map((each) => `* ${each}`).join('\n\n') };
}

export const pullMergeRoutes: readonly Route[] = [
  repositoryRoute('PUT', '/pulls/{pull_number}/merge', ['contents:write'], merge),
];
