import type { HostedRepository } from '../hosted-repository.ts';
import type { Site } from '../site.ts';
import { nodeId, userShape } from './user-shape.ts';

/** `<api>/repos/<owner>/<name>`, the start of most addresses. */
export const repositoryUrl = (site: Site, repository: HostedRepository): string =>
  `${site.apiUrl}/repos/${repository.fullName}`;

export const repositoryPage = (site: Site, repository: HostedRepository): string =>
  `${site.serverUrl}/${repository.fullName}`;

/** The templates of addresses that every repository lists, without `_url`. */
const templates: Readonly<Record<string, string>> = {
  archive: '/{archive_format}{/ref}',
  assignees: '/assignees{/user}',
  blobs: '/git/blobs{/sha}',
  branches: '/branches{/branch}',
  collaborators: '/collaborators{/collaborator}',
  comments: '/comments{/number}',
  commits: '/commits{/sha}',
  compare: '/compare/{base}...{head}',
  contents: '/contents/{+path}',
  contributors: '/contributors',
  deployments: '/deployments',
  downloads: '/downloads',
  events: '/events',
  forks: '/forks',
  git_commits: '/git/commits{/sha}',
  git_refs: '/git/refs{/sha}',
  git_tags: '/git/tags{/sha}',
  hooks: '/hooks',
  issue_comment: '/issues/comments{/number}',
  issue_events: '/issues/events{/number}',
  issues: '/issues{/number}',
  keys: '/keys{/key_id}',
  labels: '/labels{/name}',
  languages: '/languages',
  merges: '/merges',
  milestones: '/milestones{/number}',
  notifications: '/notifications{?since,all,participating}',
  pulls: '/pulls{/number}',
  releases: '/releases{/id}',
  stargazers: '/stargazers',
  statuses: '/statuses/{sha}',
  subscribers: '/subscribers',
  subscription: '/subscription',
  tags: '/tags',
  teams: '/teams',
  trees: '/git/trees{/sha}',
};

/** A repository as it is embedded in other answers. */
export async function repositoryShape(site: Site, repository: HostedRepository) {
  const { record, git, fullName } = repository;
  const url = repositoryUrl(site, repository);
  const page = repositoryPage(site, repository);
  const forks = site.repositories().filter((other) => other.record.forkOf?.toLowerCase() === fullName.toLowerCase());
  const openIssues = record.issues.filter(({ state }) => state === 'open');
  const [size, defaultBranch] = await Promise.all([git.sizeOnDisk(), git.defaultBranch()]);
  return {
    id: record.id,
    node_id: nodeId('Repository', record.id),
    name: record.name,
    full_name: fullName,
    private: record.private,
    visibility: record.private ? 'private' : 'public',
    owner: userShape(site, record.owner),
    html_url: page,
    description: null,
    fork: record.forkOf !== null,
    url,
    ...Object.fromEntries(Object.entries(templates).map(([name, rest]) => [`${name}_url`, `${url}${rest}`])),
    git_url: `${page.replace(/^https?/, 'git')}.git`,
    ssh_url: `git@${new URL(page).hostname}:${fullName}.git`,
    clone_url: `${page}.git`,
    svn_url: page,
    mirror_url: null,
    homepage: null,
    language: null,
    license: null,
    topics: [],
    forks_count: forks.length,
    forks: forks.length,
    stargazers_count: 0,
    watchers_count: 0,
    watchers: 0,
    size,
    default_branch: defaultBranch,
    open_issues_count: openIssues.length,
    open_issues: openIssues.length,
    is_template: false,
    has_issues: true,
    has_projects: false,
    has_wiki: false,
    has_pages: false,
    has_downloads: false,
    has_discussions: false,
    archived: false,
    disabled: false,
    pushed_at: record.pushedAt,
    created_at: record.createdAt,
    updated_at: record.pushedAt,
    allow_forking: true,
    web_commit_signoff_required: false,
  };
}

/** A repository asked for by name. */
export async function fullRepositoryShape(site: Site, repository: HostedRepository) {
  const parent = repository.record.forkOf === null ? undefined : site.find(repository.record.forkOf);
  const shape = await repositoryShape(site, repository);
  const parentShape = parent === undefined ? undefined : await repositoryShape(site, parent);
  return {
    ...shape,
    subscribers_count: 0,
    network_count: shape.forks_count,
    allow_merge_commit: true,
    allow_squash_merge: true,
    allow_rebase_merge: false,
    allow_auto_merge: false,
    delete_branch_on_merge: false,
    ...(parentShape === undefined ? {} : { parent: parentShape, source: parentShape }),
  };
}
