import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ActionSource } from './action-source.ts';
import { type Contexts, evaluateText } from './expressions.ts';
import { envFromContext, type GitHubContext } from './github-context.ts';
import type { StepsJob } from './job-file.ts';
import { JobState, type Verdict } from './job-state.ts';
import { type Killer, MachineLife } from './machine-life.ts';
import { Masks } from './masks.ts';
import { at, reasonOf } from './reason.ts';
import type { RunDefaults } from './run-defaults.ts';
import { runStep, type StepOptions, type StepResult, type StepTask } from './run-step.ts';
import { openMachine } from './runner-machine.ts';
import { readMinutes } from './step-stop.ts';
import { planTasks } from './step-tasks.ts';
import { endTrackedProcesses, TRACKING_VARIABLE } from './tracked-processes.ts';
import type { TreeReader } from './tree-reader.ts';

type Texts = Readonly<Record<string, string>>;

/** What a job runs with. */
export interface JobSetting {
  /** Its full name in the run, for whoever kills it. */
  readonly id: string;
  /** With the job's own `token`. */
  readonly github: GitHubContext;
  /** `needs`, `strategy`, `matrix`, `inputs`, `vars`. */
  readonly contexts: Contexts;
  readonly secrets: Texts;
  /** Of the workflow, with the place where it stands. */
  readonly workflow: { readonly place: string; readonly env: Texts; readonly defaults: RunDefaults };
  /** The machine's own environment. */
  readonly env: Texts;
  readonly tree: TreeReader;
  readonly actions: string;
  readonly artifacts: string;
  readonly cancel: AbortSignal;
  readonly killer?: Killer | undefined;
  readonly grace?: number | undefined;
  readonly onLine: (line: string, step: string) => void;
  readonly onStep: (result: StepResult) => void;
}

export interface JobEnd {
  readonly result: Exclude<Verdict, 'skipped'>;
  readonly outputs: Texts;
  /** Why the job failed, when no step says it. */
  readonly error: string | undefined;
}

/** Runs the steps of a job on a machine of its own; whatever they have started ends with it. */
export async function executeJob(job: StepsJob, setting: JobSetting): Promise<JobEnd> {
  const home = await mkdtemp(join(tmpdir(), 'slipway-job-'));
  const tracking = `github_${randomUUID()}`;
  const limit = new AbortController();
  const masks = masksOf(setting);
  let timer: NodeJS.Timeout | undefined;
  try {
    const { state, options } = await openJob(job, setting, { home, tracking, masks, limit: limit.signal });
    state.addEnv(state.evaluate(setting.workflow.env, `${setting.workflow.place}: env`));
    state.addEnv(state.evaluate(job.env, `${job.place}.env`));
    const minutes =
      job.timeoutMinutes === undefined
        ? undefined
        : readMinutes(job.timeoutMinutes, `${job.place}.timeout-minutes`, setting.contexts);
    if (minutes !== undefined) timer = setTimeout(() => limit.abort(), minutes * 60_000);
    await runTasks(job, setting, state, options, home);
    const error = limit.signal.aborted
      ? `The job has exceeded the maximum execution time of ${minutes} minutes.`
      : undefined;
    return { result: state.result, outputs: readOutputs(job, state, options), error };
  } catch (error) {
    return { result: 'failure', outputs: {}, error: masks.apply(reasonOf(error)) };
  } finally {
    clearTimeout(timer);
    await endTrackedProcesses(tracking);
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  }
}

function masksOf({ secrets, github }: JobSetting): Masks {
  const masks = new Masks();
  for (const secret of [...Object.values(secrets), github['token']]) {
    if (typeof secret === 'string') masks.add(secret);
  }
  return masks;
}

async function openJob(
  job: StepsJob,
  setting: JobSetting,
  machineFor: { readonly home: string; readonly tracking: string; readonly masks: Masks; readonly limit: AbortSignal },
): Promise<{ state: JobState; options: StepOptions }> {
  const { home, tracking, masks, limit } = machineFor;
  const temp = join(home, 'temp');
  const workspace = join(home, 'workspace');
  await Promise.all([temp, workspace].map((directory) => mkdir(directory, { recursive: true })));
  const machine = await openMachine(temp);
  const github: GitHubContext = { ...setting.github, job: job.id, workspace };
  const state = new JobState({
    contexts: {
      ...setting.contexts,
      github,
      runner: machine.context,
      secrets: { GITHUB_TOKEN: github['token'], ...setting.secrets },
    },
    machineEnv: { ...machine.env, ...setting.env },
    githubEnv: { ...envFromContext(github), [TRACKING_VARIABLE]: tracking },
  });
  const options: StepOptions = {
    temp,
    workspace,
    masks,
    machine: new MachineLife(setting.id, setting.killer),
    cancel: AbortSignal.any([setting.cancel, limit]),
    grace: setting.grace,
    onLine: setting.onLine,
  };
  return { state, options };
}

async function runTasks(
  job: StepsJob,
  setting: JobSetting,
  state: JobState,
  options: StepOptions,
  home: string,
): Promise<void> {
  const { tree, actions, artifacts, workflow, onStep } = setting;
  const source = new ActionSource({ tree, released: resolve(actions), artifacts, cache: join(home, 'actions') });
  const defaults = [job.defaults, workflow.defaults];
  const tasks = await planTasks(job.steps, { state, actions: source, defaults, workspace: options.workspace });
  const runAll = async (list: readonly StepTask[]): Promise<void> => {
    for (const task of list) {
      const result = await runStep(task, state, options);
      onStep(result);
    }
  };
  await runAll(tasks.pre);
  await runAll(tasks.main);
  await runAll(tasks.post());
  options.machine.beforeStep('Complete job');
}

/** An output that holds a secret is dropped, as on GitHub, for it would be shown. */
function readOutputs(job: StepsJob, state: JobState, { masks, onLine }: StepOptions): Texts {
  const contexts = state.contexts;
  const entries = Object.entries(job.outputs).flatMap(([name, template]) => {
    const value = at(`${job.place}.outputs.${name}`, () => evaluateText(template, contexts));
    if (masks.apply(value) === value) return [[name, value] as const];
    onLine(`Warning: Skip output '${name}' since it may contain secret.`, 'Complete job');
    return [];
  });
  return Object.fromEntries(entries);
}
