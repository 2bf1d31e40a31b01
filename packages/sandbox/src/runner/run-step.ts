import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Contexts, evaluateCondition, evaluateText } from './expressions.ts';
import type { JobState, Verdict } from './job-state.ts';
import type { Masks } from './masks.ts';
import { runNodeAction } from './node-action.ts';
import { at, reasonOf } from './reason.ts';
import type { Annotation } from './step-log.ts';
import { runStepProcess, type StepOutcome, type StepSurroundings } from './step-process.ts';
import type { WorkflowStep } from './workflow-file.ts';

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

export interface StepOptions {
  /** The assembled tree. */
  readonly actions: string;
  readonly temp: string;
  readonly workspace: string;
  readonly masks: Masks;
  readonly onLine: (line: string, step: string) => void;
}

/** Runs one step if its condition holds, and tells `state` how it ended. */
export async function runStep(step: WorkflowStep, state: JobState, options: StepOptions): Promise<StepResult> {
  const started = performance.now();
  const title = at(`${step.place}.name`, () => evaluateText(step.name ?? defaultName(step), state.contexts));
  const name = options.masks.apply(title);
  if (!at(`${step.place}.if`, () => evaluateCondition(step.condition, state.contexts, state.result))) {
    state.record(step.id, 'skipped', 'skipped');
    return { ...NOTHING, id: step.id, name, outcome: 'skipped', result: 'skipped', seconds: 0 };
  }
  const env = state.evaluate(step.env, `${step.place}.env`);
  const contexts = state.contextsWith(env);
  const left = await start(
    step,
    state,
    contexts,
    {
      temp: options.temp,
      workspace: resolve(
        options.workspace,
        at(step.place, () => evaluateText(step.workingDirectory ?? '', contexts)),
      ),
      env: state.environmentWith(env),
      event: eventOf(contexts),
      masks: options.masks,
      onLine: (line) => options.onLine(line, name),
    },
    options.actions,
  );
  const outcome = left.exitCode === 0 ? 'success' : 'failure';
  const goesOn = at(`${step.place}.continue-on-error`, () => evaluateText(step.continueOnError, contexts)) === 'true';
  const result = goesOn ? 'success' : outcome;
  state.record(step.id, outcome, result, left);
  return {
    id: step.id,
    name,
    outcome,
    result,
    seconds: (performance.now() - started) / 1000,
    outputs: options.masks.applyToValues(left.outputs),
    annotations: left.annotations,
    summary: options.masks.apply(left.summary),
    log: left.log,
  };
}

const NOTHING = { outputs: {}, annotations: [], summary: '', log: '' } as const;

function defaultName({ uses, run }: WorkflowStep): string {
  return `Run ${uses ?? run?.trim().split('\n')[0] ?? ''}`;
}

async function start(
  step: WorkflowStep,
  state: JobState,
  contexts: Contexts,
  surroundings: StepSurroundings,
  actions: string,
): Promise<StepOutcome> {
  if (step.uses !== undefined) {
    const { github, runner } = contexts;
    const directory = join(actions, actionName(step.uses, step.place));
    const inputs = state.evaluate(step.with, `${step.place}.with`, contexts);
    return runNodeAction(directory, inputs, { github, runner }, surroundings).catch((error: unknown) => {
      throw new Error(`${step.place}: ${reasonOf(error)}`, { cause: error });
    });
  }
  const script = join(surroundings.temp, `${randomUUID()}.sh`);
  await writeFile(
    script,
    at(`${step.place}.run`, () => evaluateText(step.run ?? '', contexts)),
  );
  return runStepProcess('bash', ['--noprofile', '--norc', '-eo', 'pipefail', script], surroundings);
}

/** Nothing is ever fetched: an action that is not ours cannot be run here. */
function actionName(uses: string, place: string): string {
  const [, own, released] = /^(?:\$\/([a-z0-9-]+)|org\/actions\/([a-z0-9-]+)@\S+)$/.exec(uses) ?? [];
  const name = own ?? released;
  if (name !== undefined) return name;
  throw new Error(`${place}: cannot run '${uses}', only $/<name> and org/actions/<name>@<version>`);
}

function eventOf({ github }: Contexts): unknown {
  return typeof github === 'object' && github !== null && 'event' in github ? github.event : {};
}
