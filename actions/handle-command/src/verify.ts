import type { Runtime } from '@slipway/core/action/action';
import { ConfigurationError } from '@slipway/core/errors';
import type { WorkflowRun } from '@slipway/core/github/event';
import { type PullRequestNow, readPullRequestNow } from '@slipway/core/github/pull-request-now';
import type { Plugin } from '@slipway/core/plugin/plugin';
import { bindsSame, findMovedImages } from '@slipway/core/pull-request/binding';
import { type ReleaseRecord, readReleaseRecord } from '@slipway/core/pull-request/release-record';
import { Authority } from './authority.ts';
import { type Context, complainAboutBase, need, openContext, READER, readBase } from './context.ts';
import type { Inputs } from './inputs.ts';
import { makeOutputs, type Outputs } from './outputs.ts';
import { describeOtherRun, isOwnRun, isRerun } from './rerun.ts';

/** Makes sure that a release is still the one that was commanded and approved; fails where it is not. */
export async function verify(inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  const number = need(inputs, 'pull-request');
  const commit = need(inputs, 'commit');
  const plugins = need(inputs, 'plugins');
  const context = await openContext(READER, inputs, runtime);
  const { github, repository, self } = context;
  const pull = await readPullRequestNow(github, repository, number);
  checkHead(pull, commit);
  const stored = await readReleaseRecord(github, repository, { commit, pullRequest: number }, self);
  const record = checkRecord(stored?.record, { number, commit, run: runtime.event.run });
  checkBinding(record, plugins);
  await checkApproval(context, pull);
  // Between the first look and this one somebody may have pushed.
  checkHead(await readPullRequestNow(github, repository, number), commit);
  const names = plugins.map(({ plugin, version }) => `${plugin} ${version}`).join(', ');
  const reason = `${names} at ${commit} is what was commanded and approved.`;
  runtime.log.info(reason);
  return makeOutputs('release', reason, {
    'pull-request': number,
    commit,
    plugins,
    packages: record.packages,
    overwrite: record.overwrite === true,
    'release-reason': record.reason ?? '',
    plan: plugins,
  });
}

function checkHead(pull: PullRequestNow, commit: string): void {
  if (!pull.isOpen) {
    throw new ConfigurationError(
      'pull-request-closed',
      `Pull request #${pull.number} is not open any more: nothing of it is released.`,
    );
  }
  if (pull.headSha === commit) return;
  throw new ConfigurationError(
    'head-moved',
    `Pull request #${pull.number} is at ${pull.headSha} by now, not at ${commit}, which was approved: it was pushed to. ` +
      'Have the new commit approved, and comment /queue working-image-pushed again.',
  );
}

function checkRecord(
  record: ReleaseRecord | undefined,
  wanted: { readonly number: number; readonly commit: string; readonly run: WorkflowRun | undefined },
): ReleaseRecord {
  const again = 'Comment /queue working-image-pushed on the pull request.';
  const { number, commit, run } = wanted;
  if (record === undefined || record.pullRequest !== number) {
    throw new ConfigurationError('no-release', `Nothing says that ${commit} of #${number} shall be released. ${again}`);
  }
  if (record.state === 'intent' || isRerun(record, run)) {
    if (isOwnRun(record, run)) return record;
    throw new ConfigurationError('other-run', describeOtherRun(record));
  }
  const said = record.state === 'done' ? 'is released already' : `was stopped: ${record.problem ?? 'it failed'}`;
  throw new ConfigurationError(
    'no-release',
    `The release of ${commit} ${said}. ${record.state === 'done' ? '' : again}`.trim(),
  );
}

function checkBinding(record: ReleaseRecord, plugins: readonly Plugin[]): void {
  if (plugins.length === 0) throw new ConfigurationError('invalid-input', "input 'plugins' names none.");
  const bound = plugins.flatMap((wanted) => record.plugins.find(({ plugin }) => plugin === wanted.plugin) ?? []);
  const moved = findMovedImages(bound, plugins).map(({ source }) => source);
  // A digest that is not bound yet would be compared with nothing.
  const isWhole = [...bound, ...plugins].every(({ images }) => images.every(({ digest }) => digest !== undefined));
  if (bound.length === plugins.length && bindsSame(bound, plugins) && moved.length === 0 && isWhole) return;
  throw new ConfigurationError(
    'binding-changed',
    `The plugins are not what is bound at ${record.commit}${moved.length > 0 ? `: another digest of ${moved.join(', ')}` : ''}. ` +
      'The release was commanded anew meanwhile; its own run goes on with it.',
  );
}

async function checkApproval(context: Context, pull: PullRequestNow): Promise<void> {
  const complaint = await complainAboutBase(context, pull.baseRef);
  if (complaint !== undefined) throw new ConfigurationError('not-approved', complaint);
  const base = await readBase(context, pull.baseRef);
  const authority = new Authority(context, { number: pull.number, author: pull.author, base });
  const { approvedBy, missing } = await authority.findApprovals(pull.headSha);
  if (approvedBy.length === 0)
    throw new ConfigurationError('not-approved', `The approval does not stand any more. ${missing}`);
}
