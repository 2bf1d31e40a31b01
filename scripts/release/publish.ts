import { gitText } from '@slipway/sandbox/github/git/git-command';
import { checkTree } from './check-tree.ts';
import { isAncestor, readSource, writeReleaseCommit } from './git-commit.ts';
import { type Files, writeGitTree } from './git-tree.ts';
import {
  findLaterMajor,
  findRelease,
  previewUpdates,
  type ReleaseLine,
  readLine,
  releaseUpdates,
  requireNext,
  rollBackUpdates,
} from './release-line.ts';
import type { RefUpdate, Remote, RemoteRef } from './remote.ts';
import { formatVersion, type Version } from './version.ts';

/** What would be pushed, as a plain value; no update means that all is as it should be. */
export interface PushPlan {
  readonly what: string;
  readonly tree?: string;
  readonly commit?: string;
  readonly updates: readonly RefUpdate[];
}

export interface PublishOptions {
  /** The repository with the sources, as git's directory. */
  readonly git: string;
  readonly remote: Remote;
}

export interface ReleaseOptions extends PublishOptions {
  readonly version: Version;
  /** The commit of the sources that the files were assembled from. */
  readonly source: string;
  readonly files: Files;
  /** The branch that is released from (default `main`). */
  readonly branch?: string;
}

/**
 * Makes the commit of a release here, and returns what has to be pushed. The same version of the same sources is no
 * release again: nothing is to be done. Throws for anything that must not be released.
 */
export async function planRelease(options: ReleaseOptions): Promise<PushPlan> {
  const { git, remote, version, source, files, branch = 'main' } = options;
  const name = formatVersion(version);
  checkTree(files);
  const refs = await remote.refs();
  const line = readLine(refs, version.major);
  await fetchHistory(options, refs, branch, line);
  const tree = await writeGitTree(git, files);
  const released = findRelease(line, version);
  if (released !== undefined) {
    if (await isSame(git, released.commit, tree, source)) {
      return { what: `${name} is released already`, tree, commit: released.commit, updates: [] };
    }
    throw new Error(
      `${name} is released already, with other content. A release is not changed: take the next version.`,
    );
  }
  requireNext(line, version);
  await requireForward(git, source, line);
  await requireOwnMajor(options, refs);
  const previous = line.head?.commit;
  const commit = await writeReleaseCommit(git, { tree, previous, source, title: `Release ${name}` });
  return { what: `Release ${name}`, tree, commit, updates: releaseUpdates(line, version, commit) };
}

async function fetchHistory(
  { git, remote, source }: ReleaseOptions,
  refs: ReadonlyMap<string, RemoteRef>,
  branch: string,
  line: ReleaseLine,
): Promise<void> {
  if ((await gitText(git, ['rev-parse', '--is-shallow-repository'])) === 'true') {
    throw new Error('This clone has only a part of the history: git fetch --unshallow.');
  }
  const head = refs.get(`refs/heads/${branch}`)?.commit;
  if (head === undefined) throw new Error(`The remote repository has no branch '${branch}' to release from.`);
  const wanted = [`refs/heads/${branch}`, ...(line.head === undefined ? [] : [`refs/heads/release/v${line.major}`])];
  await remote.fetch(wanted);
  if (!(await isAncestor(git, source, head))) {
    throw new Error(`${source} is not on the remote branch '${branch}': only what is merged is released.`);
  }
}

async function isSame(git: string, commit: string, tree: string, source: string): Promise<boolean> {
  const released = await gitText(git, ['rev-parse', `${commit}^{tree}`]);
  return released === tree && (await readSource(git, commit)) === source;
}

/** Later versions have later sources: what was once released is not taken back by accident. */
async function requireForward(git: string, source: string, { head }: ReleaseLine): Promise<void> {
  if (head === undefined) return;
  const last = await readSource(git, head.commit);
  if (await isAncestor(git, last, source)) return;
  throw new Error(`${source} lacks ${last}, from which the last release was made. To go back, roll back.`);
}

/** Sources that a later major version was made from break those who follow an older one. */
async function requireOwnMajor(
  { git, remote, version, source }: ReleaseOptions,
  refs: ReadonlyMap<string, RemoteRef>,
): Promise<void> {
  const later = findLaterMajor(refs, version.major);
  if (later === undefined) return;
  const name = formatVersion(later);
  await remote.fetch([`refs/tags/${name}`]);
  const first = await readSource(git, refs.get(`refs/tags/${name}`)?.commit ?? name);
  if (!(await isAncestor(git, first, source))) return;
  throw new Error(
    `${source} holds ${first}, from which ${name} was made: it is no ${formatVersion(version)}. ` +
      `Release v${later.major} from it, or an older commit as v${version.major}.`,
  );
}

/** Returns what has to be pushed so that people who follow `v1` get an older release again. */
export async function planRollBack({ remote }: PublishOptions, version: Version): Promise<PushPlan> {
  const refs = await remote.refs();
  const updates = rollBackUpdates(readLine(refs, version.major), version);
  await remote.fetch([`refs/tags/${formatVersion(version)}`]);
  const what = `v${version.major} ${updates.length === 0 ? 'is' : 'back'} at ${formatVersion(version)}`;
  return { what, updates };
}

export interface PreviewOptions extends PublishOptions {
  readonly pullRequest: number;
  /** What was assembled of the pull request; undefined takes the preview away. */
  readonly assembled: { readonly source: string; readonly files: Files } | undefined;
}

/** Makes the commit of a preview here, and returns what has to be pushed. */
export async function planPreview({ git, remote, pullRequest, assembled }: PreviewOptions): Promise<PushPlan> {
  const name = `preview/pr-${pullRequest}`;
  const refs = await remote.refs();
  if (assembled === undefined) {
    return { what: `No ${name} any more`, updates: previewUpdates(refs, pullRequest, undefined) };
  }
  const { source, files } = assembled;
  checkTree(files);
  await remote.fetch([source]);
  const tree = await writeGitTree(git, files);
  const title = `Preview of pull request ${pullRequest}`;
  const commit = await writeReleaseCommit(git, { tree, previous: undefined, source, title });
  return { what: `Preview as ${name}`, tree, commit, updates: previewUpdates(refs, pullRequest, commit) };
}
