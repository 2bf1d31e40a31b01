import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ActionSource } from './action-source.ts';
import { type Contexts, evaluateText } from './expressions.ts';
import type { JobState } from './job-state.ts';
import { type ActionPhase, type NodeAction, runNodeAction } from './node-action.ts';
import { at, reasonOf } from './reason.ts';
import type { RunDefaults } from './run-defaults.ts';
import type { StepTask } from './run-step.ts';
import type { WorkflowStep } from './step-file.ts';
import { runStepProcess, type StepOutcome, type StepSurroundings } from './step-process.ts';

/** What a job does, in its order. */
export interface JobTasks {
  readonly pre: readonly StepTask[];
  readonly main: readonly StepTask[];
  /** Returns what is left to do after all steps: the post scripts of those actions that were begun, the last first. */
  post(): readonly StepTask[];
}

/** Where a job's steps find what they name. */
export interface TaskSurroundings {
  readonly state: JobState;
  readonly actions: ActionSource;
  /** Of the job before those of the workflow. */
  readonly defaults: readonly RunDefaults[];
  readonly workspace: string;
}

/** Finds the actions of all steps, and returns what the job does. Throws for an action that there is not. */
export async function planTasks(steps: readonly WorkflowStep[], surroundings: TaskSurroundings): Promise<JobTasks> {
  const runs = await Promise.all(
    steps.map(async (step) =>
      step.uses === undefined ? new ScriptRun(step, surroundings) : ActionRun.open(step, step.uses, surroundings),
    ),
  );
  return {
    pre: runs.flatMap((run) => run.hook('pre')),
    main: runs.map((run) => run.task),
    post: () => runs.toReversed().flatMap((run) => run.hook('post')),
  };
}

function taskOf(step: WorkflowStep, run: StepTask['run']): StepTask {
  const { place, id, condition, env, continueOnError, timeoutMinutes } = step;
  const name = step.name ?? `Run ${step.uses ?? step.run?.trim().split('\n')[0] ?? ''}`;
  return { place, id, name, condition, env, continueOnError, timeoutMinutes, run };
}

/** A step with `run:`. */
class ScriptRun {
  readonly task: StepTask;

  constructor(step: WorkflowStep, { defaults, workspace }: TaskSurroundings) {
    const shell = [step.shell, ...defaults.map((each) => each.shell)].find((each) => each !== undefined);
    const directory = [step.workingDirectory, ...defaults.map((each) => each.workingDirectory)].find(
      (each) => each !== undefined,
    );
    // Without a named shell GitHub leaves `pipefail` out.
    const options = shell === 'bash' ? ['--noprofile', '--norc', '-eo', 'pipefail'] : ['-e'];
    this.task = taskOf(step, async (contexts, surroundings) => {
      const script = join(surroundings.temp, `${randomUUID()}.sh`);
      await writeFile(
        script,
        at(`${step.place}.run`, () => evaluateText(step.run ?? '', contexts)),
      );
      const place = at(`${step.place}.working-directory`, () => evaluateText(directory ?? '', contexts));
      return runStepProcess('bash', [...options, script], { ...surroundings, workspace: resolve(workspace, place) });
    });
  }

  hook(): readonly StepTask[] {
    return [];
  }
}

/** A step with `uses:`. */
class ActionRun {
  readonly task: StepTask;
  readonly #step: WorkflowStep;
  readonly #surroundings: TaskSurroundings;
  /** Undefined until its turn comes: what is in the workspace may not be there yet. */
  #action: NodeAction | undefined;
  #begun = false;
  #state: Readonly<Record<string, string>> = {};

  private constructor(step: WorkflowStep, surroundings: TaskSurroundings, action: NodeAction | undefined) {
    this.#step = step;
    this.#surroundings = surroundings;
    this.#action = action;
    this.task = taskOf(step, (contexts, around) => this.#run('main', contexts, around));
  }

  static async open(step: WorkflowStep, uses: string, surroundings: TaskSurroundings): Promise<ActionRun> {
    const action = uses.startsWith('./')
      ? undefined
      : await surroundings.actions.open(uses, step.place, surroundings.workspace);
    return new ActionRun(step, surroundings, action);
  }

  hook(phase: 'pre' | 'post'): readonly StepTask[] {
    const script = this.#action?.metadata[phase];
    if (script === undefined || (phase === 'post' && !this.#begun)) return [];
    const { task } = this;
    const name = `${phase === 'pre' ? 'Pre' : 'Post'} ${task.name}`;
    const run: StepTask['run'] = (contexts, around) => this.#run(phase, contexts, around);
    const condition = script.condition ?? 'always()';
    return [{ ...task, id: undefined, name, condition, continueOnError: 'false', timeoutMinutes: undefined, run }];
  }

  async #run(phase: ActionPhase, contexts: Contexts, surroundings: StepSurroundings): Promise<StepOutcome> {
    const { state, actions, workspace } = this.#surroundings;
    const { uses = '', place } = this.#step;
    this.#action ??= await actions.open(uses, place, workspace);
    this.#begun = true;
    const inputs = state.evaluate(this.#step.with, `${place}.with`, contexts);
    const { github, runner, job, matrix, strategy } = contexts;
    const visible = { github, runner, job, matrix, strategy };
    const left = await runNodeAction(this.#action, phase, inputs, this.#state, visible, surroundings).catch(
      (error: unknown) => {
        throw new Error(`${place}: ${reasonOf(error)}`, { cause: error });
      },
    );
    this.#state = { ...this.#state, ...left.state };
    return left;
  }
}
