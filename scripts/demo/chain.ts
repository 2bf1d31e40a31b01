import type { ActionsService, ServiceRun } from '@slipway/sandbox/actions-service/options';
import type { Progress } from './progress.ts';

/** What an event has set off: the workflows that people wait for in a browser. */
export class Chain {
  readonly #workflows: ActionsService;
  readonly #progress: Progress;
  readonly #attempts = new Map<number, number>();

  constructor(workflows: ActionsService, progress: Progress) {
    this.#workflows = workflows;
    this.#progress = progress;
  }

  /**
   * Waits until nothing runs any more, and returns the runs that have ended since the last time. Throws with the log when
   * one failed, unless it is of a workflow that may.
   */
  async settle(mayFail: readonly string[] = []): Promise<readonly ServiceRun[]> {
    await this.#workflows.idle();
    const ended = this.#workflows.runs.filter(({ id, attempt }) => (this.#attempts.get(id) ?? 0) < attempt);
    for (const run of ended) {
      this.#attempts.set(run.id, run.attempt);
      if (run.conclusion === 'success' || run.conclusion === 'skipped' || mayFail.includes(run.name)) continue;
      throw new Error(this.#progress.explain(run));
    }
    const [dead] = this.#workflows.ignored;
    if (dead === undefined) return ended;
    throw new Error(
      `The chain is dead: ${dead.actor} did '${dead.event}' in ${dead.repository} with a job's own token, which starts nothing.`,
    );
  }
}

/** Returns every step that some runs have run. */
export function stepsOf(runs: readonly ServiceRun[]) {
  return runs.flatMap(({ results }) => results.flatMap(({ steps }) => steps));
}
