import type { GitHubEvent, Happening } from '../github/event-bus.ts';
import type { HostedRepository } from '../github/hosted-repository.ts';
import { pathsOfPull, pathsOfPush } from './changed-paths.ts';

/**
 * One reason to start workflows: an event under one of the names that `on:` has for it, and what GitHub says workflows
 * get to see of it.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
 */
export interface Occasion {
  /** The key in `on:`. */
  readonly event: string;
  readonly action: string | undefined;
  /** The types that start a workflow which names none; undefined: all. */
  readonly defaultTypes: readonly string[] | undefined;
  /** The commit whose workflow files are looked at; GITHUB_WORKFLOW_SHA. */
  readonly source: string;
  /** The branch or tag that the files are from. */
  readonly sourceRef: string;
  /** GITHUB_SHA and GITHUB_REF. */
  readonly sha: string;
  readonly ref: string;
  /** What filters of branches and tags look at. */
  readonly branch: string | undefined;
  readonly tag: string | undefined;
  /** Undefined: filters of paths let everything through. */
  readonly paths: () => Promise<readonly string[] | undefined>;
  /** The commit that checks are shown on, and where it is. */
  readonly head: { readonly repository: string; readonly branch: string | null; readonly sha: string };
  /** GITHUB_HEAD_REF and GITHUB_BASE_REF, of pull requests. */
  readonly headRef: string;
  readonly baseRef: string;
  /** The commit whose message may ask for no workflow at all. */
  readonly skipCommit: string | undefined;
  /**
   * Whether it comes out of a fork: no secrets then, and a token that only reads. For somebody's first pull request
   * GitHub waits for an approval before it runs anything; the sandbox does not, so that nothing rests on that approval.
   */
  readonly fromFork: boolean;
  readonly cron: string | undefined;
}

const everything = async (): Promise<undefined> => undefined;

const pullTypes = ['opened', 'synchronize', 'reopened'];

/** The occasions that an event is; none where its commits are gone. */
export async function occasionsOf(repository: HostedRepository, { happening }: GitHubEvent): Promise<Occasion[]> {
  const trunk = await onDefaultBranch(repository, happening);
  if (happening.name === 'push') return ofPush(repository, happening, trunk);
  if (happening.name === 'pull_request' || happening.name === 'pull_request_review') {
    return ofPull(repository, happening, trunk);
  }
  return trunk === undefined ? [] : [trunk];
}

/** What an occasion is that has no commit of its own: GitHub takes the default branch. */
export async function onDefaultBranch(
  { git, fullName }: HostedRepository,
  happening: Happening,
): Promise<Occasion | undefined> {
  const branch = await git.defaultBranch();
  const sha = await git.branch(branch);
  if (sha === undefined) return undefined;
  return {
    event: happening.name,
    action: 'action' in happening ? happening.action : undefined,
    defaultTypes: undefined,
    source: sha,
    sourceRef: `refs/heads/${branch}`,
    sha,
    ref: `refs/heads/${branch}`,
    branch,
    tag: undefined,
    paths: everything,
    head: { repository: fullName, branch, sha },
    headRef: '',
    baseRef: '',
    skipCommit: undefined,
    fromFork: false,
    cron: happening.name === 'schedule' ? happening.cron : undefined,
  };
}

async function ofPush(
  { git, fullName }: HostedRepository,
  { ref, before, after }: Extract<Happening, { name: 'push' }>,
  trunk: Occasion | undefined,
): Promise<Occasion[]> {
  if (trunk === undefined) return [];
  const [, branch] = /^refs\/heads\/(.+)$/.exec(ref) ?? [];
  const [, tag] = /^refs\/tags\/(.+)$/.exec(ref) ?? [];
  const names = { event: 'push', branch, tag };
  // What is deleted has no files: the default branch's are run.
  if (after === null) return [{ ...trunk, ...names }];
  const sha = await git.findCommit(after);
  if (sha === undefined) return [];
  return [
    {
      ...trunk,
      ...names,
      source: sha,
      sourceRef: ref,
      sha,
      ref,
      // Filters of paths are not for tags.
      paths: branch === undefined ? everything : () => pathsOfPush(git, before, sha, ref),
      head: { repository: fullName, branch: branch ?? tag ?? null, sha },
      skipCommit: sha,
    },
  ];
}

function ofPull(
  repository: HostedRepository,
  happening: Extract<Happening, { name: 'pull_request' | 'pull_request_review' }>,
  trunk: Occasion | undefined,
): Occasion[] {
  const { name, number, mergeSha, merged, headRef, headSha, baseRef, baseSha } = happening;
  if (trunk === undefined) return [];
  const ref = merged ? `refs/heads/${baseRef}` : `refs/pull/${number}/merge`;
  const common = {
    ...trunk,
    branch: baseRef,
    paths: () => pathsOfPull(repository.git, baseSha, headSha),
    head: { repository: happening.headRepository, branch: headRef, sha: headSha },
    headRef,
    baseRef,
  };
  const fromFork = happening.headRepository.toLowerCase() !== repository.fullName.toLowerCase();
  const own: Occasion = {
    ...common,
    event: name,
    source: mergeSha ?? headSha,
    sourceRef: ref,
    sha: mergeSha ?? headSha,
    ref,
    fromFork,
  };
  // There is nothing to run where the branches conflict.
  const onMerge = mergeSha === null ? [] : [own];
  if (name === 'pull_request_review') return onMerge;
  const target: Occasion = { ...common, event: 'pull_request_target', defaultTypes: pullTypes };
  return [...onMerge.map((each) => ({ ...each, defaultTypes: pullTypes, skipCommit: headSha })), target];
}
