import { isAncestor } from './git/history.ts';
import type { GuardedRef } from './git/push-hook.ts';
import type { HostedRepository } from './hosted-repository.ts';
import type { PullRequest } from './pull-request.ts';
import type { RefChange } from './pushes.ts';
import type { CheckRunRecord, ProtectionRecord } from './records.ts';
import { appIdOf } from './shapes/app-shape.ts';
import type { Site } from './site.ts';

const green = new Set(['success', 'neutral', 'skipped']);

/**
 * Says why a pull request must not be merged by this user, or by anybody, in GitHub's words; undefined where nothing is in
 * the way.
 *
 * @see https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches
 */
export async function mergeObstacle(
  site: Site,
  repository: HostedRepository,
  request: PullRequest,
  login?: string,
): Promise<string | undefined> {
  const rules = repository.record.protections[request.pull.baseRef];
  if (rules === undefined || (login !== undefined && mayBypass(rules, login))) return undefined;
  return (
    checkObstacle(site, repository, request.pull.headSha, rules) ??
    reviewObstacle(site, repository, request, rules) ??
    (rules.strict ? await stalenessObstacle(repository, request) : undefined)
  );
}

/**
 * Says why a branch must not be moved past its pull requests: a commit needs the checks here as well, and reviews are
 * for pull requests only. A branch that is not there yet may come into being.
 */
export function pushObstacle(
  site: Site,
  repository: HostedRepository,
  { ref, before, after }: RefChange,
  login: string,
): string | undefined {
  const rules = repository.record.protections[ref.replace('refs/heads/', '')];
  if (rules === undefined || before === null || !ref.startsWith('refs/heads/') || mayBypass(rules, login)) {
    return undefined;
  }
  if (after === null) return 'Cannot delete this branch.';
  if (rules.approvals > 0) return 'Changes must be made through a pull request.';
  return checkObstacle(site, repository, after, rules);
}

/** The branches that somebody cannot push to as they like, for git itself to refuse it. */
export function guardedRefs(site: Site, repository: HostedRepository, login: string): GuardedRef[] {
  const { protections, checkRuns } = repository.record;
  const known = [...new Set(checkRuns.map(({ headSha }) => headSha))];
  return Object.keys(protections).flatMap((branch) => {
    const ref = `refs/heads/${branch}`;
    const obstacle = (after: string): string | undefined =>
      pushObstacle(site, repository, { ref, before: '', after }, login);
    const reason = obstacle('');
    return reason === undefined ? [] : [{ ref, reason, allowed: known.filter((sha) => obstacle(sha) === undefined) }];
  });
}

const mayBypass = ({ bypass }: ProtectionRecord, login: string): boolean =>
  bypass.some((each) => each.toLowerCase() === login.toLowerCase());

function checkObstacle(
  site: Site,
  { record }: HostedRepository,
  headSha: string,
  { checks }: ProtectionRecord,
): string | undefined {
  const open = checks.flatMap(({ context, appId }) => {
    const run = record.checkRuns.findLast(
      (each: CheckRunRecord) =>
        each.headSha === headSha && each.name === context && (appId === null || appIdOf(site, each.app) === appId),
    );
    if (run === undefined) return [`"${context}" is expected.`];
    if (run.conclusion === null) return [`"${context}" is in progress.`];
    return green.has(run.conclusion) ? [] : [`"${context}" is failing.`];
  });
  const [only] = open;
  if (only === undefined) return undefined;
  if (open.length === 1) return `Required status check ${only}`;
  return `${open.length} of ${checks.length} required status checks have not succeeded: ${open.join(' ')}`;
}

function reviewObstacle(
  site: Site,
  repository: HostedRepository,
  { number, user }: PullRequest,
  { approvals }: ProtectionRecord,
): string | undefined {
  if (approvals === 0) return undefined;
  const latest = new Map<string, string>();
  for (const review of repository.record.reviews) {
    if (review.pull !== number || review.state === 'COMMENTED' || review.state === 'PENDING') continue;
    if (review.user.toLowerCase() !== user.toLowerCase()) latest.set(review.user.toLowerCase(), review.state);
  }
  const states = [...latest].filter(([login]) => mayWrite(site, repository, login)).map(([, state]) => state);
  if (states.includes('CHANGES_REQUESTED')) return 'Changes have been requested on this pull request.';
  if (states.filter((state) => state === 'APPROVED').length >= approvals) return undefined;
  const reviews = approvals === 1 ? 'review is' : 'reviews are';
  return `At least ${approvals} approving ${reviews} required by reviewers with write access.`;
}

function mayWrite(site: Site, repository: HostedRepository, login: string): boolean {
  const isAdministrator = [...site.administrators].some((name) => name.toLowerCase() === login);
  return isAdministrator || ['admin', 'maintain', 'write'].includes(repository.role(login) ?? '');
}

async function stalenessObstacle({ git }: HostedRepository, { pull }: PullRequest): Promise<string | undefined> {
  const base = await git.branch(pull.baseRef);
  if (base !== undefined && (await isAncestor(git, base, pull.headSha))) return undefined;
  return 'The head branch is not up to date with the base branch.';
}
