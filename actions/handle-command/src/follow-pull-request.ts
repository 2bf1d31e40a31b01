import { splitRepository } from '@slipway/core/github/pull-request';
import { readCommands } from '@slipway/core/pull-request/commands';
import {
  PUSHED_AWAY,
  type ReleasePlace,
  readReleaseRecord,
  writeReleaseRecord,
} from '@slipway/core/pull-request/release-record';
import { isReleaseRequest } from '@slipway/core/pull-request/release-request';
import { type Request, readRequests } from '@slipway/core/pull-request/request';
import { findStatusComment, type ReleaseStatus } from '@slipway/core/pull-request/status-comment';
import type { Context } from './context.ts';
import { obey } from './obey.ts';
import { makeOutputs, type Outputs } from './outputs.ts';
import { setLabel } from './set-label.ts';
import { placeOf, readSituation, type Situation } from './situation.ts';
import { validate, writeStatus } from './status.ts';
import type { Trigger } from './trigger.ts';

type PullRequestTrigger = Extract<Trigger, { readonly kind: 'pull-request' }>;

/** Follows a pull request that was opened, edited or pushed to: obeys its description, and drops what a push made void. */
export async function followPullRequest(context: Context, trigger: PullRequestTrigger): Promise<Outputs> {
  const { github, repository, self, doings } = context;
  const { number } = trigger;
  const situation = await readSituation(context, number);
  const { pull } = situation;
  if (!pull.isOpen) return makeOutputs('ignored', 'The pull request is closed.', { 'pull-request': number });
  const stored = await readReleaseRecord(github, repository, placeOf(pull), self);
  if (trigger.action === 'synchronize') {
    if (trigger.before !== undefined && trigger.before !== pull.headSha) {
      await dropRelease(context, { commit: trigger.before, pullRequest: number });
    }
    // A run that comes late must not undo what was commanded for the new head meanwhile.
    const isBound = stored?.record.state === 'intent' || stored?.record.state === 'done';
    const isQueued = pull.labels.some((name) => name.toLowerCase().startsWith('queue/'));
    if (isQueued && !isBound) await setLabel(context, pull, 'queue', 'need-queue');
  }
  const notes = await obeyDescription(context, situation, trigger);
  if (isWorthStatus(context, situation) || stored !== undefined) {
    const validation = validate(situation);
    const record = stored?.record;
    const status: ReleaseStatus = { commit: pull.headSha, ...validation, ...(record && { record }) };
    await writeStatus(context, situation, { ...status, notes: [...(validation.notes ?? []), ...notes] });
  }
  const some = { 'pull-request': number, commit: pull.headSha };
  const reason = notes.join(' ') || (doings.plan.length > 0 ? 'Done.' : 'There is nothing to do.');
  return makeOutputs(doings.plan.length > 0 ? 'updated' : 'ignored', reason, some);
}

/** Ends a release of a commit that was pushed away; what is uploaded of it stays, and is still reported. */
async function dropRelease({ github, repository, self, doings }: Context, place: ReleasePlace): Promise<void> {
  const stored = await readReleaseRecord(github, repository, place, self);
  if (stored?.record.state !== 'intent') return;
  const at = new Date().toISOString();
  const dropped = { ...stored.record, state: 'failed' as const, problem: PUSHED_AWAY, at };
  await doings.do(`stop the release of ${place.commit}`, () => writeReleaseRecord(github, repository, dropped, stored));
}

/**
 * Obeys the commands of a description, which carry its author's rights and no others; returns what was not obeyed.
 *
 * Of one that was edited only what is new counts: every description says `/queue need-queue`, and who mends a word of it
 * takes nothing back.
 */
async function obeyDescription(
  context: Context,
  situation: Situation,
  { action, body, previousBody, isByAuthor }: PullRequestTrigger,
): Promise<string[]> {
  const { pull } = situation;
  const isNew = action === 'opened' || (action === 'edited' && previousBody !== undefined);
  // Somebody else's words would be taken for the author's; their own event follows.
  if (!isNew || !isByAuthor || pull.body !== body) return [];
  const { owner } = splitRepository(context.repository);
  const before = new Set(
    readRequests(readCommands(previousBody ?? ''), owner).map((request) => JSON.stringify(request)),
  );
  const requests = readRequests(readCommands(body), owner).filter((request) => !before.has(JSON.stringify(request)));
  const notes: string[] = [];
  for (const request of requests) {
    const note = await obeyInDescription(context, situation, request);
    if (note !== undefined) notes.push(note);
  }
  return notes;
}

async function obeyInDescription(
  context: Context,
  situation: Situation,
  request: Request,
): Promise<string | undefined> {
  const { pull } = situation;
  if (request.wants === 'release') {
    return 'A description releases nothing: write /queue working-image-pushed in a comment, once the images are pushed.';
  }
  // What a description says is written in no comment, and withdraws nothing.
  if (request.wants !== 'withdrawal') return obey(context, situation, request, { by: pull.author, comment: 0 });
  const isQueued = pull.labels.some((name) => name.toLowerCase().startsWith('queue/'));
  if (!isQueued) await setLabel(context, pull, 'queue', 'need-queue');
  return undefined;
}

/** Most pull requests of a repository may be about something else, and shall be left in peace. */
function isWorthStatus({ self }: Context, { change, comments }: Situation): boolean {
  return isReleaseRequest(change) || findStatusComment(comments, self) !== undefined;
}
