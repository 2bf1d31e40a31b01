import type { Sender } from './event-bus.ts';
import { isAncestor, mergeTrees } from './git/history.ts';
import type { Signature } from './git/objects.ts';
import type { HostedRepository } from './hosted-repository.ts';
import { type PullRequest, pullRequestsOf } from './pull-request.ts';
import { announcePull, announceReview } from './pull-request-events.ts';
import type { Site } from './site.ts';

/**
 * Brings the open pull requests of a repository up to its branches, however these moved: through REST, by a push, or by
 * somebody who works in a bare repository that is served in place.
 */
export function synchronisePulls(site: Site, repository: HostedRepository): Promise<void> {
  return repository.exclusively(async () => {
    let changed = false;
    for (const request of pullRequestsOf(repository)) {
      if (request.state === 'open' && (await synchronise(site, repository, request))) changed = true;
    }
    if (changed) repository.save();
  });
}

/** Brings the pull requests up to date that come from this repository or go into it. */
export async function synchroniseAround(site: Site, repository: HostedRepository): Promise<void> {
  repository.record.pushedAt = site.timestamp();
  repository.save();
  const { fullName } = repository;
  for (const other of site.repositories()) {
    const concerned =
      other === repository || pullRequestsOf(other).some(({ pull }) => pull.headRepository === fullName);
    if (concerned) await synchronisePulls(site, other);
  }
}

async function synchronise(site: Site, repository: HostedRepository, request: PullRequest): Promise<boolean> {
  const { pull } = request;
  const source = site.find(pull.headRepository);
  const head = await source?.git.branch(pull.headRef);
  const base = await repository.git.branch(pull.baseRef);
  // A branch that was moved on disk, past the server, was moved by nobody the server knows.
  const author: Sender = { login: request.user, isJob: false };
  const moved = (of: HostedRepository | undefined, ref: string, sha: string | undefined): Sender =>
    (of === undefined ? undefined : site.movers.who(of.fullName, `refs/heads/${ref}`, sha ?? null)) ?? author;
  if (source === undefined || head === undefined || base === undefined) {
    close(site, request);
    const sender = base === undefined ? moved(repository, pull.baseRef, base) : moved(source, pull.headRef, head);
    await announcePull(site, repository, sender, 'closed', request);
    return true;
  }
  const headMoved = head !== pull.headSha;
  const before = pull.headSha;
  // Between two trial merges the base cannot have swallowed the head unnoticed.
  if (!headMoved && pull.trial?.base === base && pull.trial.head === head) return false;
  if (headMoved) {
    await repository.git.fetchCommit(source.git, head);
    await repository.git.setRef(`refs/pull/${request.number}/head`, head);
    request.updatedAt = site.timestamp();
  }
  if (await isAncestor(repository.git, head, base)) {
    // The base holds every commit of the head: pushed there by hand, unless the head went back to where it started.
    if (!headMoved || pull.baseSha !== base) markMerged(site, request, head, null);
    else close(site, request);
  }
  if (headMoved) {
    pull.headSha = head;
    pull.baseSha = base;
  }
  if (request.state === 'closed') {
    await announcePull(site, repository, moved(repository, pull.baseRef, base), 'closed', request);
    return true;
  }
  await tryMerge(site, repository, request, base);
  if (headMoved) {
    const sender = moved(source, pull.headRef, head);
    await dismissApprovals(site, repository, request, sender);
    await announcePull(site, repository, sender, 'synchronize', request, { before, after: head });
  }
  return true;
}

/** Where the base branch asks for it, what was approved is approved no more once something else is the head. */
async function dismissApprovals(
  site: Site,
  repository: HostedRepository,
  request: PullRequest,
  sender: Sender,
): Promise<void> {
  if (repository.record.protections[request.pull.baseRef]?.dismissStale !== true) return;
  for (const review of repository.record.reviews) {
    if (review.pull !== request.number || review.state !== 'APPROVED') continue;
    review.state = 'DISMISSED';
    await announceReview(site, repository, sender, 'dismissed', request, review);
  }
}

function close(site: Site, request: PullRequest): void {
  request.state = 'closed';
  request.closedAt = site.timestamp();
  request.updatedAt = request.closedAt;
}

export function markMerged(site: Site, request: PullRequest, commit: string, by: string | null): void {
  close(site, request);
  request.pull.mergedAt = request.closedAt;
  request.pull.mergedBy = by;
  request.pull.mergeCommitSha = commit;
}

/** Merges on trial and keeps the result as `refs/pull/N/merge`, which workflows for pull requests check out. */
async function tryMerge(site: Site, repository: HostedRepository, request: PullRequest, base: string): Promise<void> {
  const { git } = repository;
  const head = request.pull.headSha;
  const ref = `refs/pull/${request.number}/merge`;
  const tree = await mergeTrees(git, base, head);
  let commit: string | null = null;
  if (tree === undefined) {
    await git.updateRef(ref, null, (await git.ref(ref))?.oid ?? null);
  } else {
    const signature = signatureOf(site, request.user);
    const message = `Merge ${head} into ${base}`;
    const merge = { tree, parents: [base, head], author: signature, committer: signature, message, gpgSignature: null };
    commit = await git.writeCommit(merge);
    await git.setRef(ref, commit);
  }
  request.pull.trial = { base, head, commit };
  request.pull.mergeCommitSha = commit;
}

/** Prepares a new pull request: its commits are copied into the base repository and merged on trial. */
export async function adoptHead(site: Site, repository: HostedRepository, request: PullRequest): Promise<void> {
  await repository.git.setRef(`refs/pull/${request.number}/head`, request.pull.headSha);
  await tryMerge(site, repository, request, request.pull.baseSha);
}

/** How GitHub signs what a user does on its pages. */
export function signatureOf(site: Site, login: string): Signature {
  const { id, login: name } = site.accounts.ensure(login);
  const seconds = Math.floor(site.now().getTime() / 1000);
  return { name, email: `${id}+${name}@users.noreply.github.com`, seconds, zone: '+0000' };
}
