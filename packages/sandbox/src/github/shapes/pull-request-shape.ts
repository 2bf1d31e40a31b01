import { changedFiles } from '../git/diff.ts';
import { commitsBetween } from '../git/history.ts';
import type { HostedRepository } from '../hosted-repository.ts';
import { mergeObstacle } from '../protection.ts';
import { comparisonBase, type PullRequest } from '../pull-request.ts';
import type { ReviewRecord } from '../records.ts';
import type { Site } from '../site.ts';
import { authorAssociation, issueLabels } from './issue-shape.ts';
import { repositoryPage, repositoryShape, repositoryUrl } from './repository-shape.ts';
import { nodeId, userShape } from './user-shape.ts';

async function branchShape(
  site: Site,
  repository: HostedRepository | undefined,
  fullName: string,
  ref: string,
  sha: string,
) {
  const [owner = ''] = fullName.split('/');
  return {
    label: `${owner}:${ref}`,
    ref,
    sha,
    user: userShape(site, owner),
    // A fork that is gone leaves its pull requests behind.
    repo: repository === undefined ? null : await repositoryShape(site, repository),
  };
}

/** A pull request as lists show it. */
export async function pullRequestShape(site: Site, repository: HostedRepository, request: PullRequest) {
  const { number, pull } = request;
  const url = `${repositoryUrl(site, repository)}/pulls/${number}`;
  const issueUrl = `${repositoryUrl(site, repository)}/issues/${number}`;
  const page = `${repositoryPage(site, repository)}/pull/${number}`;
  const statusesUrl = `${repositoryUrl(site, repository)}/statuses/${pull.headSha}`;
  const reviewCommentUrl = `${repositoryUrl(site, repository)}/pulls/comments{/number}`;
  return {
    url,
    id: request.id,
    node_id: nodeId('PullRequest', request.id),
    html_url: page,
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    issue_url: issueUrl,
    commits_url: `${url}/commits`,
    review_comments_url: `${url}/comments`,
    review_comment_url: reviewCommentUrl,
    comments_url: `${issueUrl}/comments`,
    statuses_url: statusesUrl,
    number,
    state: request.state,
    locked: false,
    title: request.title,
    user: userShape(site, request.user),
    body: request.body,
    labels: issueLabels(site, repository, request),
    milestone: null,
    active_lock_reason: null,
    created_at: request.createdAt,
    updated_at: request.updatedAt,
    closed_at: request.closedAt,
    merged_at: pull.mergedAt,
    merge_commit_sha: pull.mergeCommitSha,
    assignee: null,
    assignees: [],
    ...requestedShape(site, repository, request),
    head: await branchShape(site, site.find(pull.headRepository), pull.headRepository, pull.headRef, pull.headSha),
    base: await branchShape(site, repository, repository.fullName, pull.baseRef, pull.baseSha),
    _links: {
      self: { href: url },
      html: { href: page },
      issue: { href: issueUrl },
      comments: { href: `${issueUrl}/comments` },
      review_comments: { href: `${url}/comments` },
      review_comment: { href: reviewCommentUrl },
      commits: { href: `${url}/commits` },
      statuses: { href: statusesUrl },
    },
    author_association: authorAssociation(site, repository, request.user),
    auto_merge: null,
    draft: pull.draft,
  };
}

/** Who was asked for a review. */
export function requestedShape(site: Site, { record }: HostedRepository, { pull }: PullRequest) {
  return {
    requested_reviewers: (pull.requested?.users ?? []).map((login) => userShape(site, login)),
    requested_teams: (pull.requested?.teams ?? []).map((slug) => teamShape(site, record.owner, slug)),
  };
}

function teamShape(site: Site, organization: string, slug: string) {
  const url = `${site.apiUrl}/organizations/${site.accounts.ensure(organization).id}/team/${slug}`;
  return {
    // Teams have no ids here; clients know them by their names.
    id: 0,
    node_id: nodeId('Team', `${organization}/${slug}`),
    url,
    html_url: `${site.serverUrl}/orgs/${organization}/teams/${slug}`,
    name: slug,
    slug,
    description: null,
    privacy: 'closed',
    notification_setting: 'notifications_enabled',
    permission: 'pull',
    type: 'organization',
    members_url: `${url}/members{/member}`,
    repositories_url: `${url}/repos`,
    parent: null,
  };
}

async function mergeability(
  site: Site,
  repository: HostedRepository,
  request: PullRequest,
): Promise<{ mergeable: boolean | null; mergeable_state: string }> {
  const { state, pull } = request;
  if (state === 'closed' || pull.trial === null) return { mergeable: null, mergeable_state: 'unknown' };
  if (pull.trial.commit === null) return { mergeable: false, mergeable_state: 'dirty' };
  if (pull.draft) return { mergeable: true, mergeable_state: 'draft' };
  const isBlocked = (await mergeObstacle(site, repository, request)) !== undefined;
  return { mergeable: true, mergeable_state: isBlocked ? 'blocked' : 'clean' };
}

/** A pull request asked for by number. */
export async function fullPullRequestShape(site: Site, repository: HostedRepository, request: PullRequest) {
  const { pull } = request;
  const base = await comparisonBase(repository.git, request);
  const [files, commits, shape] = await Promise.all([
    changedFiles(repository.git, base, pull.headSha),
    commitsBetween(repository.git, base, pull.headSha),
    pullRequestShape(site, repository, request),
  ]);
  return {
    ...shape,
    merged: pull.mergedAt !== null,
    ...(await mergeability(site, repository, request)),
    rebaseable: false,
    merged_by: pull.mergedBy === null ? null : userShape(site, pull.mergedBy),
    comments: repository.record.comments.filter((comment) => comment.issue === request.number).length,
    review_comments: 0,
    maintainer_can_modify: pull.maintainerCanModify,
    commits: commits.length,
    additions: files.reduce((sum, { additions }) => sum + additions, 0),
    deletions: files.reduce((sum, { deletions }) => sum + deletions, 0),
    changed_files: files.length,
  };
}

export function reviewShape(site: Site, repository: HostedRepository, review: ReviewRecord) {
  const url = `${repositoryUrl(site, repository)}/pulls/${review.pull}`;
  const page = `${repositoryPage(site, repository)}/pull/${review.pull}#pullrequestreview-${review.id}`;
  return {
    id: review.id,
    node_id: nodeId('PullRequestReview', review.id),
    user: userShape(site, review.user),
    body: review.body,
    state: review.state,
    html_url: page,
    pull_request_url: url,
    author_association: authorAssociation(site, repository, review.user),
    _links: { html: { href: page }, pull_request: { href: url } },
    commit_id: review.commitId,
    ...(review.submittedAt === null ? {} : { submitted_at: review.submittedAt }),
  };
}
