import type { Runtime } from '@slipway/core/action/action';
import { openContext, WRITER } from './context.ts';
import { followPullRequest } from './follow-pull-request.ts';
import type { Inputs } from './inputs.ts';
import { obeyComment } from './obey-comment.ts';
import { obeyDispatch } from './obey-dispatch.ts';
import { makeOutputs, type Outputs } from './outputs.ts';
import { readTrigger } from './trigger.ts';

/** Obeys what started the workflow: a comment, a change of the pull request, or a dispatch. */
export async function command(inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  const trigger = readTrigger(runtime.event);
  if (trigger.kind === 'none') return finish(makeOutputs('ignored', trigger.reason), runtime);
  const context = await openContext(WRITER, inputs, runtime);
  const outputs = await (trigger.kind === 'comment'
    ? obeyComment(context, trigger)
    : trigger.kind === 'dispatch'
      ? obeyDispatch(context, trigger)
      : followPullRequest(context, trigger));
  const { plan, changed } = context.doings;
  return finish({ ...outputs, plan, changed }, runtime);
}

/** Tells what came of it, on the job's page and in its log; what was refused fails the step. */
export function finish(outputs: Outputs, { log, summary, ...runtime }: Runtime): Outputs {
  const { result, reason, plan } = outputs;
  log.info(`${result}: ${reason}`);
  if (result !== 'release') summary.heading(`Command: ${result}`).paragraph(reason);
  if (Array.isArray(plan) && plan.length > 0)
    summary.table(
      ['what was done, or would be'],
      plan.map((what) => [String(what)]),
    );
  if (result === 'refused') runtime.fail('command-refused', reason);
  return outputs;
}
