import type { Runtime } from '@slipway/core/action/action';
import { ConfigurationError } from '@slipway/core/errors';
import { isDigest } from '@slipway/core/image/digest';
import type { Plugin } from '@slipway/core/plugin/plugin';
import type { SourceImage } from '@slipway/core/plugin/subject';
import { type ReleaseRecord, readReleaseRecord } from '@slipway/core/pull-request/release-record';
import { finish } from './command.ts';
import { type Context, need, openContext, WRITER } from './context.ts';
import type { Inputs } from './inputs.ts';
import { makeOutputs, type Outputs } from './outputs.ts';
import { release } from './release.ts';
import { reply } from './reply.ts';
import { describeOtherRun, isOwnRun, isRerun } from './rerun.ts';
import { readSituation, type Situation } from './situation.ts';
import { readTrigger } from './trigger.ts';

/**
 * Binds the digests that somebody else has found to a release that was commanded: the job that may ask the source registry
 * is none that may write here. Everything that the command rested on is looked at again.
 */
export async function bind(inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  const number = need(inputs, 'pull-request');
  const commit = need(inputs, 'commit');
  const context = await openContext(WRITER, inputs, runtime);
  const situation = await readSituation(context, number);
  const { github, repository, self, doings } = context;
  const stored = await readReleaseRecord(github, repository, { commit, pullRequest: number }, self);
  if (stored === undefined || stored.record.pullRequest !== number) {
    throw new ConfigurationError(
      'no-release',
      `Nothing says that ${commit} of #${number} is to be released, so there is nothing to bind.`,
    );
  }
  const outputs = await bindRecord(context, situation, stored.record);
  return finish({ ...outputs, plan: doings.plan, changed: doings.changed }, runtime);
}

async function bindRecord(context: Context, situation: Situation, record: ReleaseRecord): Promise<Outputs> {
  const { pull } = situation;
  const place = { 'pull-request': pull.number, commit: record.commit };
  const stopped = complainAboutRecord(context, situation, record);
  if (stopped !== undefined) return makeOutputs('refused', stopped, place);
  // What is bound stays bound, even where what is released may be replaced: the record keeps that right by itself.
  const { by, reason } = record;
  const order = { by, reason, overwrite: false, isResumed: true };
  const { plugins = [] } = context.inputs;
  const known = plugins.length === 0 ? 'unanswered' : digestsIn(plugins);
  const { outputs, missing } = await release(context, situation, order, known);
  const trigger = readTrigger(context.runtime.event);
  if (missing.length > 0 && trigger.kind === 'comment') await reply(context, situation, trigger.id, missing);
  return outputs;
}

function complainAboutRecord(
  { runtime }: Context,
  { pull }: Situation,
  { commit, state, problem, ...record }: ReleaseRecord,
): string | undefined {
  if (pull.headSha !== commit) {
    return `The pull request is at ${pull.headSha} by now, not at ${commit}: it was pushed to, and the new commit must be approved.`;
  }
  const { run } = runtime.event;
  if (state !== 'failed' || isRerun({ ...record, commit, state }, run)) {
    return isOwnRun(record, run) ? undefined : describeOtherRun({ ...record, commit });
  }
  return `The release of ${commit} was stopped: ${problem ?? 'it failed'}. Comment /queue working-image-pushed to take it up again.`;
}

function digestsIn(plugins: readonly Plugin[]): ReadonlyMap<string, SourceImage> {
  return new Map(
    plugins.flatMap(({ images }) =>
      images.flatMap(({ source, digest, platforms = [] }): [string, SourceImage][] =>
        digest === undefined || !isDigest(digest) ? [] : [[source, { digest, platforms }]],
      ),
    ),
  );
}
