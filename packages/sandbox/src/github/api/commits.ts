import { type Answer, listPage, ok, paginate } from '../answer.ts';
import { ApiError, notFound, unprocessable } from '../api-error.ts';
import { changedFiles } from '../git/diff.ts';
import { commitsBetween, countDivergence, isAncestor, mergeBase } from '../git/history.ts';
import { type Commit, emptyTree, isOid } from '../git/objects.ts';
import type { HostedRepository } from '../hosted-repository.ts';
import { type PullRequest, pullRequestsOf } from '../pull-request.ts';
import { synchronisePulls } from '../pull-requests.ts';
import { type RepositoryCall, type Route, repositoryRoute } from '../route.ts';
import { commitShape, fileShape } from '../shapes/commit-shape.ts';
import { pullRequestShape } from '../shapes/pull-request-shape.ts';
import { repositoryPage, repositoryUrl } from '../shapes/repository-shape.ts';

/** The most files that a commit or a comparison lists on its first page. */
const filesLimit = 300;

async function getCommit(call: RepositoryCall): Promise<Answer> {
  const { site, repository } = call;
  const { git } = repository;
  const ref = call.parameter('ref');
  const oid = await git.findCommit(ref);
  const commit = oid === undefined ? undefined : await git.commit(oid);
  if (commit === undefined) {
    if ((await git.refs('refs/heads/')).length === 0) throw new ApiError(409, 'Git Repository is empty.');
    throw unprocessable(`No commit found for ${isOid(ref) ? 'SHA: ' : 'the ref '}${ref}`);
  }
  if (/application\/vnd\.github\.(v3\.)?sha/.test(call.accept)) {
    return { status: 200, bytes: Buffer.from(commit.oid), type: 'application/vnd.github.sha; charset=utf-8' };
  }
  const files = await changedFiles(git, commit.parents[0] ?? emptyTree, commit.oid);
  const additions = files.reduce((sum, file) => sum + file.additions, 0);
  const deletions = files.reduce((sum, file) => sum + file.deletions, 0);
  return ok({
    ...commitShape(site, repository, commit),
    stats: { total: additions + deletions, additions, deletions },
    files: files.slice(0, filesLimit).map((file) => fileShape(site, repository, commit.oid, file)),
  });
}

/** Reads one side of a comparison: `branch`, a commit id, `owner:branch` or `owner:repository:branch`. */
async function findSide(call: RepositoryCall, side: string): Promise<Commit> {
  const { repository } = call;
  const parts = side.split(':');
  const name = parts.at(-1) ?? '';
  const [owner, repositoryName = repository.record.name] = parts.length > 1 ? parts.slice(0, -1) : [];
  const other = owner === undefined ? repository : findInNetwork(call, owner, repositoryName);
  const oid = await other?.git.findCommit(name);
  if (other === undefined || oid === undefined) throw notFound();
  if (other !== repository) await repository.git.fetchCommit(other.git, oid);
  const commit = await repository.git.commit(oid);
  if (commit === undefined) throw notFound();
  return commit;
}

function findInNetwork(
  { site, repository }: RepositoryCall,
  owner: string,
  name: string,
): HostedRepository | undefined {
  return (
    site.find(`${owner}/${name}`) ??
    site.repositories().find(({ record }) => record.owner === owner && record.forkOf === repository.fullName)
  );
}

async function compare(call: RepositoryCall): Promise<Answer> {
  const { site, repository } = call;
  const { git } = repository;
  const basehead = call.parameter('basehead');
  const [baseName, headName] = basehead.split('...');
  if (baseName === undefined || headName === undefined) throw notFound();
  const [base, head] = [await findSide(call, baseName), await findSide(call, headName)];
  const common = await mergeBase(git, base.oid, head.oid);
  const ancestor = common === undefined ? undefined : await git.commit(common);
  if (ancestor === undefined) throw notFound(`No common ancestor between ${baseName} and ${headName}.`);
  const { ahead, behind } = await countDivergence(git, base.oid, head.oid);
  const all = await commitsBetween(git, base.oid, head.oid);
  // Without paging parameters GitHub lists up to 250 commits.
  const paged = call.query.has('page') || call.query.has('per_page');
  const page = paged ? paginate(call, all) : { items: all.slice(-250), number: 1, headers: {} };
  const commits = await Promise.all(page.items.map((oid) => git.commit(oid)));
  const files = page.number === 1 ? await changedFiles(git, ancestor.oid, head.oid) : [];
  const url = `${repositoryUrl(site, repository)}/compare/${encodeURIComponent(baseName)}...${encodeURIComponent(headName)}`;
  const htmlUrl = `${repositoryPage(site, repository)}/compare/${basehead}`;
  const { owner } = repository.record;
  const permalink = `${owner}:${base.oid.slice(0, 7)}...${owner}:${head.oid.slice(0, 7)}`;
  return {
    status: 200,
    headers: page.headers,
    json: {
      url,
      html_url: htmlUrl,
      permalink_url: `${repositoryPage(site, repository)}/compare/${permalink}`,
      diff_url: `${htmlUrl}.diff`,
      patch_url: `${htmlUrl}.patch`,
      base_commit: commitShape(site, repository, base),
      merge_base_commit: commitShape(site, repository, ancestor),
      status: comparisonStatus(ahead, behind),
      ahead_by: ahead,
      behind_by: behind,
      total_commits: ahead,
      commits: commits.filter((commit) => commit !== undefined).map((commit) => commitShape(site, repository, commit)),
      files: files.slice(0, filesLimit).map((file) => fileShape(site, repository, head.oid, file)),
    },
  };
}

function comparisonStatus(ahead: number, behind: number): 'identical' | 'ahead' | 'behind' | 'diverged' {
  if (ahead === 0) return behind === 0 ? 'identical' : 'behind';
  return behind === 0 ? 'ahead' : 'diverged';
}

/**
 * The merged pull request that brought a commit into the default branch; of one that is not there, merged and open ones.
 *
 * @see https://docs.github.com/en/rest/commits/commits#list-pull-requests-associated-with-a-commit
 */
async function listPulls(call: RepositoryCall): Promise<Answer> {
  const { site, repository } = call;
  const { git } = repository;
  const name = call.parameter('commit_sha');
  const oid = await git.findCommit(name);
  if (oid === undefined) throw unprocessable(`No commit found for SHA: ${name}`);
  await synchronisePulls(site, repository);
  const all = pullRequestsOf(repository);
  const trunk = await git.branch(await git.defaultBranch());
  const merged = trunk !== undefined && (await isAncestor(git, oid, trunk));
  const found: PullRequest[] = [];
  for (const request of all) {
    const { pull } = request;
    if (merged && pull.mergedAt === null) continue;
    const brought =
      pull.mergeCommitSha === oid || (await commitsBetween(git, pull.baseSha, pull.headSha)).includes(oid);
    if (brought) found.push(request);
  }
  return listPage(call, found, (request) => pullRequestShape(site, repository, request));
}

export const commitRoutes: readonly Route[] = [
  repositoryRoute('GET', '/commits/{ref}', ['contents:read'], getCommit),
  repositoryRoute('GET', '/commits/{commit_sha}/pulls', ['pull_requests:read'], listPulls),
  repositoryRoute('GET', '/compare/{basehead}', ['contents:read'], compare),
];
