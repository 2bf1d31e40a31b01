import type { HostedRepository } from '../hosted-repository.ts';
import type { CommentRecord, IssueRecord, LabelRecord } from '../records.ts';
import type { Site } from '../site.ts';
import { repositoryPage, repositoryUrl } from './repository-shape.ts';
import { nodeId, userShape } from './user-shape.ts';

export function labelShape(site: Site, repository: HostedRepository, label: LabelRecord) {
  return {
    id: label.id,
    node_id: nodeId('Label', label.id),
    url: `${repositoryUrl(site, repository)}/labels/${encodeURIComponent(label.name)}`,
    name: label.name,
    description: label.description,
    color: label.color,
    default: false,
  };
}

/** The labels of an issue or pull request, in the order in which they were set. */
export function issueLabels(site: Site, repository: HostedRepository, issue: IssueRecord) {
  return issue.labels
    .map((name) => repository.label(name))
    .filter((label) => label !== undefined)
    .map((label) => labelShape(site, repository, label));
}

/** What somebody is to the repository, in the words of GitHub. */
export function authorAssociation(site: Site, repository: HostedRepository, login: string): string {
  const { owner, collaborators, issues } = repository.record;
  const lower = login.toLowerCase();
  if (lower === owner.toLowerCase()) return 'OWNER';
  if (site.accounts.isOrganizationMember(owner, login)) return 'MEMBER';
  if (Object.keys(collaborators).some((name) => name.toLowerCase() === lower)) return 'COLLABORATOR';
  const hasMerged = issues.some(({ user, pull }) => user.toLowerCase() === lower && (pull?.mergedAt ?? null) !== null);
  return hasMerged ? 'CONTRIBUTOR' : 'NONE';
}

export function commentShape(site: Site, repository: HostedRepository, comment: CommentRecord) {
  const url = repositoryUrl(site, repository);
  const kind = repository.issue(comment.issue)?.pull ? 'pull' : 'issues';
  return {
    id: comment.id,
    node_id: nodeId('IssueComment', comment.id),
    url: `${url}/issues/comments/${comment.id}`,
    html_url: `${repositoryPage(site, repository)}/${kind}/${comment.issue}#issuecomment-${comment.id}`,
    issue_url: `${url}/issues/${comment.issue}`,
    user: userShape(site, comment.user),
    body: comment.body,
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    author_association: authorAssociation(site, repository, comment.user),
    performed_via_github_app: null,
  };
}

export function issueShape(site: Site, repository: HostedRepository, issue: IssueRecord) {
  const url = repositoryUrl(site, repository);
  const page = repositoryPage(site, repository);
  const issueUrl = `${url}/issues/${issue.number}`;
  const pullPage = `${page}/pull/${issue.number}`;
  return {
    id: issue.id,
    node_id: nodeId('Issue', issue.id),
    url: issueUrl,
    repository_url: url,
    labels_url: `${issueUrl}/labels{/name}`,
    comments_url: `${issueUrl}/comments`,
    events_url: `${issueUrl}/events`,
    html_url: issue.pull === null ? `${page}/issues/${issue.number}` : pullPage,
    number: issue.number,
    title: issue.title,
    user: userShape(site, issue.user),
    labels: issueLabels(site, repository, issue),
    state: issue.state,
    state_reason: null,
    locked: false,
    assignee: null,
    assignees: [],
    milestone: null,
    comments: repository.record.comments.filter((comment) => comment.issue === issue.number).length,
    created_at: issue.createdAt,
    updated_at: issue.updatedAt,
    closed_at: issue.closedAt,
    author_association: authorAssociation(site, repository, issue.user),
    active_lock_reason: null,
    body: issue.body,
    ...(issue.pull === null
      ? {}
      : {
          draft: issue.pull.draft,
          pull_request: {
            url: `${url}/pulls/${issue.number}`,
            html_url: pullPage,
            diff_url: `${pullPage}.diff`,
            patch_url: `${pullPage}.patch`,
            merged_at: issue.pull.mergedAt,
          },
        }),
  };
}
