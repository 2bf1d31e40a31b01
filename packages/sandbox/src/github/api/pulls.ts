import { type Answer, created, listPage, ok } from '../answer.ts';
import { unprocessable, validationFailed } from '../api-error.ts';
import { changedFiles } from '../git/diff.ts';
import { commitsBetween, isAncestor } from '../git/history.ts';
import type { HostedRepository } from '../hosted-repository.ts';
import { comparisonBase, type PullRequest, pullRequestsOf } from '../pull-request.ts';
import { announcePull } from '../pull-request-events.ts';
import { adoptHead, synchronisePulls } from '../pull-requests.ts';
import { type RepositoryCall, type Route, repositoryRoute, senderOfCall } from '../route.ts';
import { commitShape, fileShape } from '../shapes/commit-shape.ts';
import { fullPullRequestShape, pullRequestShape } from '../shapes/pull-request-shape.ts';
import { findPull } from './find-pull.ts';
import { newIssue } from './new-issue.ts';

/** A pull request lists no more files and commits than these. @see https://docs.github.com/en/rest/pulls/pulls */
const limits = { files: 3000, commits: 250 };

async function listPulls(call: RepositoryCall): Promise<Answer> {
  const { site, repository, query } = call;
  await synchronisePulls(site, repository);
  const state = query.get('state') ?? 'open';
  const base = query.get('base');
  const head = query.get('head');
  const sort = query.get('sort') ?? 'created';
  const sortKey = (request: PullRequest): string => (sort === 'updated' ? request.updatedAt : request.createdAt);
  // Newest first only where nothing else is said.
  const direction = query.get('direction') ?? (sort === 'created' ? 'desc' : 'asc');
  const found = pullRequestsOf(repository)
    .filter((request) => state === 'all' || request.state === state)
    .filter(({ pull }) => base === null || pull.baseRef === base)
    .filter(({ pull }) => head === null || !head.includes(':') || head === headLabel(pull.headRepository, pull.headRef))
    .sort((a, b) => sortKey(a).localeCompare(sortKey(b)) || a.number - b.number);
  return listPage(call, direction === 'asc' ? found : found.reverse(), (request) =>
    pullRequestShape(site, repository, request),
  );
}

const headLabel = (repository: string, ref: string): string => `${repository.split('/')[0]}:${ref}`;

async function createPull(call: RepositoryCall): Promise<Answer> {
  const { site, repository, payload } = call;
  await synchronisePulls(site, repository);
  const title = payload.optionalString('title') ?? '';
  if (title === '') throw validationFailed({ resource: 'PullRequest', field: 'title', code: 'missing_field' });
  const baseRef = payload.string('base');
  const [source, headRef] = findHead(call);
  const request = await repository.exclusively(async () => {
    const { git } = repository;
    const baseSha = await git.branch(baseRef);
    if (baseSha === undefined) throw validationFailed({ resource: 'PullRequest', field: 'base', code: 'invalid' });
    const headSha = await source?.git.branch(headRef);
    if (source === undefined || headSha === undefined) {
      throw validationFailed({ resource: 'PullRequest', field: 'head', code: 'invalid' });
    }
    refuseDuplicate(repository, source, headRef, baseRef);
    await git.fetchCommit(source.git, headSha);
    if (await isAncestor(git, headSha, baseSha)) {
      const message = `No commits between ${baseRef} and ${headRef}`;
      throw validationFailed({ resource: 'PullRequest', code: 'custom', message });
    }
    const opened: PullRequest = {
      ...newIssue(call, title),
      labels: [],
      pull: {
        headRepository: source.fullName,
        headRef,
        headSha,
        baseRef,
        baseSha,
        draft: payload.optionalBoolean('draft') ?? false,
        maintainerCanModify: payload.optionalBoolean('maintainer_can_modify') ?? source !== repository,
        mergedAt: null,
        mergedBy: null,
        mergeCommitSha: null,
        trial: null,
      },
    };
    await adoptHead(site, repository, opened);
    repository.record.issues.push(opened);
    repository.save();
    return opened;
  });
  await announcePull(site, repository, senderOfCall(call), 'opened', request);
  return created(await fullPullRequestShape(site, repository, request));
}

/** Reads `head`: a branch here, or `owner:branch` of a fork (or of the repository this one is a fork of). */
function findHead({ site, repository, payload }: RepositoryCall): [HostedRepository | undefined, string] {
  const head = payload.string('head');
  const [owner, ref] = head.includes(':') ? head.split(':', 2) : [repository.record.owner, head];
  const inNetwork = site.repositories().filter((other) => isInNetwork(repository, other));
  const named = payload.optionalString('head_repo');
  const found = inNetwork.find(
    ({ record }) =>
      record.owner.toLowerCase() === owner?.toLowerCase() && (named === undefined || record.name === named),
  );
  return [found, ref ?? ''];
}

function isInNetwork(repository: HostedRepository, other: HostedRepository): boolean {
  const root = ({ fullName, record }: HostedRepository): string => (record.forkOf ?? fullName).toLowerCase();
  return root(repository) === root(other);
}

function refuseDuplicate(
  repository: HostedRepository,
  source: HostedRepository,
  headRef: string,
  baseRef: string,
): void {
  const isOpen = pullRequestsOf(repository).some(
    ({ state, pull }) =>
      state === 'open' &&
      pull.headRepository === source.fullName &&
      pull.headRef === headRef &&
      pull.baseRef === baseRef,
  );
  if (!isOpen) return;
  const message = `A pull request already exists for ${headLabel(source.fullName, headRef)}.`;
  throw validationFailed({ resource: 'PullRequest', code: 'custom', message });
}

async function getPull(call: RepositoryCall): Promise<Answer> {
  return ok(await fullPullRequestShape(call.site, call.repository, await findPull(call)));
}

async function updatePull(call: RepositoryCall): Promise<Answer> {
  const { site, repository, payload } = call;
  const request = await findPull(call);
  const state = payload.optionalChoice('state', ['open', 'closed']);
  const base = payload.optionalString('base');
  const baseSha = base === undefined ? request.pull.baseSha : await requireBase(repository, base, request);
  if (state === 'open' && request.state === 'closed') await requireReopenable(call, request);
  const oldState = request.state;
  const old = { title: request.title, body: request.body, base: request.pull.baseRef, baseSha: request.pull.baseSha };
  request.title = payload.optionalString('title') ?? request.title;
  if (payload.has('body')) request.body = payload.optionalString('body') ?? null;
  request.pull.maintainerCanModify =
    payload.optionalBoolean('maintainer_can_modify') ?? request.pull.maintainerCanModify;
  request.pull.baseRef = base ?? request.pull.baseRef;
  request.pull.baseSha = baseSha;
  request.updatedAt = site.timestamp();
  if (old.base !== request.pull.baseRef) {
    const change = { from: old.base, to: request.pull.baseRef, at: request.updatedAt };
    request.pull.baseChanges = [...(request.pull.baseChanges ?? []), change];
  }
  if (state !== undefined && state !== request.state) {
    request.state = state;
    request.closedAt = state === 'closed' ? request.updatedAt : null;
  }
  repository.save();
  const sender = senderOfCall(call);
  const changes = {
    ...(old.title === request.title ? {} : { title: { from: old.title } }),
    ...(old.body === request.body ? {} : { body: { from: old.body } }),
    ...(old.base === request.pull.baseRef ? {} : { base: { ref: { from: old.base }, sha: { from: old.baseSha } } }),
  };
  const isOther = state !== undefined && state !== oldState;
  await synchronisePulls(site, repository);
  if (Object.keys(changes).length > 0) await announcePull(site, repository, sender, 'edited', request, { changes });
  if (isOther) await announcePull(site, repository, sender, state === 'open' ? 'reopened' : 'closed', request);
  return ok(await fullPullRequestShape(site, repository, request));
}

/** The head of another base branch, which must lack something that the pull request brings. */
async function requireBase(repository: HostedRepository, base: string, { pull }: PullRequest): Promise<string> {
  const sha = await repository.git.branch(base);
  if (sha === undefined) throw validationFailed({ resource: 'PullRequest', field: 'base', code: 'invalid' });
  if (await isAncestor(repository.git, pull.headSha, sha)) {
    const message = `There are no new commits between base branch '${base}' and head branch '${pull.headRef}'`;
    throw validationFailed({ resource: 'PullRequest', field: 'base', code: 'invalid', message });
  }
  return sha;
}

async function requireReopenable({ site }: RepositoryCall, { pull }: PullRequest): Promise<void> {
  if (pull.mergedAt !== null) throw unprocessable('A merged pull request cannot be reopened');
  if ((await site.find(pull.headRepository)?.git.branch(pull.headRef)) !== undefined) return;
  const message = `state cannot be changed. The ${pull.headRef} branch was deleted.`;
  throw validationFailed({ resource: 'PullRequest', field: 'state', code: 'invalid', message });
}

async function listFiles(call: RepositoryCall): Promise<Answer> {
  const { site, repository } = call;
  const request = await findPull(call);
  const base = await comparisonBase(repository.git, request);
  const files = await changedFiles(repository.git, base, request.pull.headSha);
  return listPage(call, files.slice(0, limits.files), (file) =>
    fileShape(site, repository, request.pull.headSha, file),
  );
}

async function listCommits(call: RepositoryCall): Promise<Answer> {
  const { site, repository } = call;
  const request = await findPull(call);
  const base = await comparisonBase(repository.git, request);
  const oids = await commitsBetween(repository.git, base, request.pull.headSha);
  return listPage(call, oids.slice(0, limits.commits), async (oid) => {
    const commit = await repository.git.commit(oid);
    return commit === undefined ? undefined : commitShape(site, repository, commit);
  });
}

export const pullRoutes: readonly Route[] = [
  repositoryRoute('GET', '/pulls', ['pull_requests:read'], listPulls),
  repositoryRoute('POST', '/pulls', ['pull_requests:write'], createPull),
  repositoryRoute('GET', '/pulls/{pull_number}', ['pull_requests:read'], getPull),
  repositoryRoute('PATCH', '/pulls/{pull_number}', ['pull_requests:write'], updatePull),
  repositoryRoute('GET', '/pulls/{pull_number}/files', ['pull_requests:read'], listFiles),
  repositoryRoute('GET', '/pulls/{pull_number}/commits', ['pull_requests:read'], listCommits),
];
