import { gitText } from '@slipway/sandbox/github/git/git-command';

/** Of which commit of the sources a release was assembled. */
const TRAILER = 'Source-Commit';

export interface ReleaseCommit {
  readonly tree: string;
  /** The release before this one; undefined for the first one, and for a preview. */
  readonly previous: string | undefined;
  /** The commit of the sources. */
  readonly source: string;
  /** The first line of the message. */
  readonly title: string;
}

/**
 * Writes the commit of a release and returns its id. Its times are the source's, so that whoever assembles the same
 * sources on the same release makes the same commit.
 */
export async function writeReleaseCommit(git: string, release: ReleaseCommit): Promise<string> {
  const { tree, previous, source, title } = release;
  const date = await gitText(git, ['show', '--no-patch', '--format=%ct +0000', source]);
  const parents = [previous, source].flatMap((parent) => (parent === undefined ? [] : ['-p', parent]));
  const environment = {
    GIT_AUTHOR_NAME: 'Slipway',
    GIT_AUTHOR_EMAIL: 'release@slipway.invalid',
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: 'Slipway',
    GIT_COMMITTER_EMAIL: 'release@slipway.invalid',
    GIT_COMMITTER_DATE: date,
  };
  const message = `${title}\n\n${TRAILER}: ${source}\n`;
  return gitText(git, ['commit-tree', tree, ...parents], { input: message, environment });
}

/** Returns of which commit of the sources a release was assembled; throws for a commit that is none of ours. */
export async function readSource(git: string, commit: string): Promise<string> {
  const source = await gitText(git, ['show', '--no-patch', `--format=%(trailers:key=${TRAILER},valueonly)`, commit]);
  if (!/^[0-9a-f]{40}$/.test(source.trim())) {
    throw new Error(`${commit} was not released by this script: its message names no ${TRAILER}.`);
  }
  return source.trim();
}

/** Returns whether `commit` is in the history of `head`. */
export async function isAncestor(git: string, commit: string, head: string): Promise<boolean> {
  const answer = await gitText(git, ['rev-list', '--max-count=1', commit, `^${head}`]);
  return answer === '';
}
