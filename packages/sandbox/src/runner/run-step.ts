import { type Contexts, evaluateCondition, evaluateText } from './expressions.ts';
import type { JobState, Verdict } from './job-state.ts';
import type { MachineLife } from './machine-life.ts';
import type { Masks } from './masks.ts';
import { at, reasonOf } from './reason.ts';
import type { Annotation } from './step-log.ts';
import type { StepOutcome, StepSurroundings } from './step-process.ts';
import { watchStop } from './step-stop.ts';

export interface StepResult {
  readonly id: string | undefined;
  readonly name: string;
  /** How the step ended. */
  readonly outcome: Verdict;
  /** What that means for the job: `continue-on-error` turns a failure into a success. */
  readonly result: Verdict;
  readonly seconds: number;
  readonly outputs: Readonly<Record<string, string>>;
  readonly annotations: readonly Annotation[];
  /** The step's page in Markdown. */
  readonly summary: string;
  readonly log: string;
}

/** One thing that a job does in its turn: a step, or what an action does before or after all steps. */
export interface StepTask {
  /** Says in errors which step is meant. */
  readonly place: string;
  readonly id: string | undefined;
  /** May hold expressions. */
  readonly name: string;
  readonly condition: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly continueOnError: string;
  readonly timeoutMinutes: string | undefined;
  run(contexts: Contexts, surroundings: StepSurroundings): Promise<StepOutcome>;
}

export interface StepOptions {
  readonly temp: string;
  readonly workspace: string;
  readonly masks: Masks;
  readonly machine: MachineLife;
  /** Aborted when the job is cancelled. */
  readonly cancel: AbortSignal;
  readonly grace?: number | undefined;
  readonly onLine: (line: string, step: string) => void;
}

/**
 * Runs one task if its condition holds, and tells `state` how it ended. A mistake in the file (an expression that cannot
 * be evaluated, a missing input) fails the step and says so in its log, as on GitHub.
 */
export async function runStep(task: StepTask, state: JobState, options: StepOptions): Promise<StepResult> {
  const { masks, machine, cancel } = options;
  if (cancel.aborted) state.cancel();
  const name = masks.apply(nameOf(task, state));
  machine.beforeStep(name);
  const head = { id: task.id, name };
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  try {
    const env = state.evaluate(task.env, `${task.place}.env`);
    const contexts = state.contextsWith(env);
    if (!at(`${task.place}.if`, () => evaluateCondition(task.condition, contexts, state.standing))) {
      state.record(task.id, 'skipped', 'skipped');
      return { ...head, ...NOTHING, outcome: 'skipped', result: 'skipped', seconds: 0 };
    }
    const stop = watchStop(task, state, contexts, cancel);
    const left = await machine
      .during(name, () => task.run(contexts, surroundingsOf(contexts, env, state, stop.signal, name, options)))
      .finally(stop.release);
    const outcome = stop.cancelled() ? 'cancelled' : stop.timedOut() || left.exitCode !== 0 ? 'failure' : 'success';
    const annotations = stop.timedOut()
      ? [
          ...left.annotations,
          say(`The action '${name}' has timed out after ${task.timeoutMinutes} minutes.`, name, options),
        ]
      : left.annotations;
    const softens =
      at(`${task.place}.continue-on-error`, () => evaluateText(task.continueOnError, contexts)) === 'true';
    const result = softens && outcome === 'failure' ? 'success' : outcome;
    state.record(task.id, outcome, result, left);
    const { log } = left;
    const outputs = masks.applyToValues(left.outputs);
    return {
      ...head,
      outcome,
      result,
      seconds: seconds(),
      outputs,
      annotations,
      summary: masks.apply(left.summary),
      log,
    };
  } catch (error) {
    machine.requireAlive();
    const annotation = say(reasonOf(error), name, options);
    state.record(task.id, 'failure', 'failure');
    const log = `Error: ${annotation.message}`;
    return {
      ...head,
      ...NOTHING,
      log,
      annotations: [annotation],
      outcome: 'failure',
      result: 'failure',
      seconds: seconds(),
    };
  }
}

const NOTHING = { outputs: {}, annotations: [], summary: '', log: '' } as const;

function nameOf({ name, place }: StepTask, state: JobState): string {
  try {
    return at(`${place}.name`, () => evaluateText(name, state.contexts));
  } catch {
    // GitHub shows the name as it is written then.
    return name;
  }
}

function say(message: string, name: string, { masks, onLine }: StepOptions): Annotation {
  const masked = masks.apply(message);
  onLine(`Error: ${masked}`, name);
  return { level: 'error', message: masked };
}

function surroundingsOf(
  contexts: Contexts,
  env: Readonly<Record<string, string>>,
  state: JobState,
  signal: AbortSignal,
  name: string,
  options: StepOptions,
): StepSurroundings {
  const { temp, workspace, masks, machine, grace, onLine } = options;
  return {
    temp,
    workspace,
    env: state.environmentWith(env),
    event: eventOf(contexts),
    masks,
    onLine: (line) => {
      onLine(line, name);
      machine.tellLine(line, name);
    },
    signal,
    kill: machine.death,
    grace,
  };
}

function eventOf({ github }: Contexts): unknown {
  return typeof github === 'object' && github !== null && 'event' in github ? github.event : {};
}
