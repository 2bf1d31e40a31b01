import { readReleaseRecord } from '@slipway/core/pull-request/release-record';
import { mayWrite } from './authority.ts';
import { type Context, need } from './context.ts';
import { makeOutputs, type Outputs } from './outputs.ts';
import { type Order, release } from './release.ts';
import { readSituation } from './situation.ts';
import type { Trigger } from './trigger.ts';

/**
 * Releases a pull request by hand, or takes up again what its record says.
 *
 * Taking up needs no authority of its own, whoever or whatever dispatched it: everything that the record rests on is looked
 * at again. Whatever the record does not say takes somebody who may write, and a reason.
 */
export async function obeyDispatch(
  context: Context,
  { by }: Extract<Trigger, { readonly kind: 'dispatch' }>,
): Promise<Outputs> {
  const { github, repository, self, inputs } = context;
  const { reason, overwrite } = inputs;
  const number = need(inputs, 'pull-request');
  const situation = await readSituation(context, number);
  const commit = situation.pull.headSha;
  if (inputs.commit !== undefined && inputs.commit !== commit) {
    const moved = `The pull request is at ${commit} by now, not at ${inputs.commit}.`;
    return makeOutputs('refused', moved, { 'pull-request': number, commit });
  }
  const stored = await readReleaseRecord(github, repository, { commit, pullRequest: number }, self);
  const isResumed = stored?.record.state === 'intent' && !overwrite;
  const order: Order = { by, reason, overwrite, isResumed };
  if (!isResumed) {
    const problems = [
      ...((await mayWrite(context, by)) ? [] : [`${by} may not write to the repository, and so not release by hand.`]),
      ...(reason === undefined ? ["Input 'reason' is required to release by hand; it stands in the check."] : []),
    ];
    if (problems.length > 0) return makeOutputs('refused', problems.join(' '), { 'pull-request': number, commit });
  }
  return (await release(context, situation, order, context.inputs['check-images'] ? undefined : 'later')).outputs;
}
