import { type Comment, createComment, listComments } from '@slipway/core/github/comments';
import type { PullRequestNow } from '@slipway/core/github/pull-request-now';
import { type ReleaseRecord, readReleaseRecord } from '@slipway/core/pull-request/release-record';
import { formatUploadComment } from '@slipway/core/pull-request/upload-comment';
import type { Context } from './context.ts';
import { setLabel } from './set-label.ts';
import { placeOf } from './situation.ts';
import { writeStatus } from './status.ts';

/**
 * Shows the record in the pull request; what is shown of a commit that was pushed away says so, and sets no label. What
 * is shown already stays as it is, so that whatever is killed here is healed by doing it again.
 */
export async function showRelease(context: Context, pull: PullRequestNow, record: ReleaseRecord): Promise<void> {
  const { github, repository, self } = context;
  const { number } = pull;
  const comments = await listComments(github, repository, number);
  if (record.state === 'done') {
    await tellPackages(context, number, comments, record);
    if (pull.headSha === record.commit) await setLabel(context, pull, 'queue', 'done-package-uploaded');
  }
  // The new head may be released by now, and then there is nothing to tell of the old one.
  const ofHead =
    pull.headSha === record.commit ? undefined : await readReleaseRecord(github, repository, placeOf(pull), self);
  await writeStatus(context, { pull, comments }, { commit: pull.headSha, record: ofHead?.record ?? record });
}

/** Writes the comment that other tools read the addresses from, once. */
async function tellPackages(
  { github, repository, self, doings }: Context,
  number: number,
  comments: readonly Comment[],
  { packages }: ReleaseRecord,
): Promise<void> {
  const body = formatUploadComment(packages.flatMap(({ uri }) => uri ?? []));
  const isTold = comments.some(
    (comment) => comment.author === self && comment.body.replaceAll('\r\n', '\n').trim() === body,
  );
  if (!isTold) await doings.do('say where the packages are', () => createComment(github, repository, number, body));
}
