import type { Runtime } from '@slipway/core/action/action';
import { shortDigest } from '@slipway/core/image/digest';
import { systemClock } from '@slipway/core/kubernetes/clock';
import { Deadline } from '@slipway/core/kubernetes/deadline';
import { diagnose } from '@slipway/core/kubernetes/diagnosis';
import type { Kubectl } from '@slipway/core/kubernetes/kubectl';
import type { Symptom } from '@slipway/core/kubernetes/symptom';
import type { PrintedPlan, RolloutResult } from './outputs.ts';

/** Milliseconds that looking for the reason may take, after the time of the rollout itself is over. */
const DIAGNOSIS = 20_000;

/** Shows the events and the last lines of the pod that failed, in the log and in the summary. */
export async function reportFailure(
  { log, summary, group }: Runtime,
  kubectl: Kubectl,
  { pod, container, reason, detail }: Symptom,
  lines: number,
): Promise<void> {
  log.info(`${reason}: ${detail}`);
  if (pod === undefined) return;
  const { events, logs } = await diagnose(kubectl.until(new Deadline(systemClock, DIAGNOSIS)), pod, container, lines);
  for (const [title, texts] of [
    [`Events of ${pod.name}`, events],
    [`Last lines of ${pod.name}`, logs],
  ] as const) {
    if (texts.length === 0) continue;
    await group(title, async () => {
      for (const text of texts) log.info(text);
    });
    summary.table(
      [title],
      texts.map((text) => [`\`${text}\``]),
    );
  }
}

export interface ReportedResult extends RolloutResult {
  readonly plan: PrintedPlan;
  readonly seconds: number;
  readonly dryRun: boolean;
}

/** Writes what came of it into the summary. */
export function reportResult({ summary, log }: Runtime, reported: ReportedResult): void {
  const { plan, result, reason, seconds, dryRun } = reported;
  const { distribution } = plan;
  const what = result === '' ? 'would be restarted' : result;
  summary.heading(dryRun ? 'Rollout that would be made' : 'Rollout');
  summary.table(
    ['distribution', 'deployment', 'digest', 'result', 'seconds'],
    [[distribution, `\`${plan.deployment}\``, `\`${shortDigest(plan.digest)}\``, what, String(seconds)]],
  );
  if (reason !== '') summary.paragraph(reason);
  log.info(`${distribution}: ${what}${reason === '' ? '' : `, ${reason}`}`);
}
