import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { evaluateCondition } from './expressions.ts';
import { envFromContext, type GitHubContext } from './github-context.ts';
import { JobState } from './job-state.ts';
import { Masks } from './masks.ts';
import { at } from './reason.ts';
import { runStep, type StepResult } from './run-step.ts';
import { openMachine } from './runner-machine.ts';
import { readJob } from './workflow-file.ts';

export interface RunJobOptions {
  /** The workflow file. */
  readonly workflow: string;
  /** The job's id in it. */
  readonly job: string;
  /** The assembled tree: `$/<name>` and `org/actions/<name>@<any>` are its directories. */
  readonly actions: string;
  /** The context `github`, with `token`, `repository`, `event_name`, `event`, … */
  readonly github: GitHubContext;
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Masked in everything that comes out. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly vars?: Readonly<Record<string, string>>;
  /** What the machine's own environment has, such as DOCKER_CONFIG on a self-hosted runner. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: an empty directory that is removed afterwards. */
  readonly workspace?: string;
  /** Is told of each line of a step's log as it comes, masked. */
  readonly onLine?: (line: string, step: string) => void;
  /** Is told of each step when it has ended. */
  readonly onStep?: (result: StepResult) => void;
}

export interface JobResult {
  readonly result: 'success' | 'failure' | 'skipped';
  /** Every step of the file, in its order. */
  readonly steps: readonly StepResult[];
}

/**
 * Runs the steps of one job of a workflow file: actions from the assembled tree, and scripts in bash.
 *
 * A step that fails is a result. A mistake in the file (an unknown action, an expression that cannot be evaluated, a
 * missing input) is thrown, and names the step.
 */
export async function runJob(options: RunJobOptions): Promise<JobResult> {
  const job = await readJob(options.workflow, options.job);
  const home = await mkdtemp(join(tmpdir(), 'slipway-job-'));
  try {
    const temp = join(home, 'temp');
    const workspace = resolve(options.workspace ?? join(home, 'workspace'));
    await Promise.all([temp, workspace].map((directory) => mkdir(directory, { recursive: true })));
    const machine = await openMachine(temp);
    const github: GitHubContext = { ...options.github, workflow: job.workflowName, job: job.id, workspace };
    const { secrets = {}, inputs = {}, vars = {} } = options;
    const masks = new Masks();
    for (const secret of [...Object.values(secrets), github['token']]) {
      if (typeof secret === 'string') masks.add(secret);
    }
    const state = new JobState({
      contexts: {
        github,
        runner: machine.context,
        inputs,
        secrets: { GITHUB_TOKEN: github['token'], ...secrets },
        vars,
      },
      machineEnv: { ...machine.env, ...options.env },
      githubEnv: envFromContext(github),
    });
    const where = `${options.workflow}: jobs.${job.id}`;
    state.addEnv(state.evaluate(job.workflowEnv, `${options.workflow}: env`));
    state.addEnv(state.evaluate(job.env, `${where}.env`));
    const wanted = at(`${where}.if`, () => evaluateCondition(job.condition, state.contexts, 'success'));
    if (!wanted) return { result: 'skipped', steps: [] };
    const actions = resolve(options.actions);
    const { onLine = () => undefined, onStep = () => undefined } = options;
    const steps: StepResult[] = [];
    for (const step of job.steps) {
      const result = await runStep(step, state, { actions, temp, workspace, masks, onLine });
      steps.push(result);
      onStep(result);
    }
    return { result: state.result, steps };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
