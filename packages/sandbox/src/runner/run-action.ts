import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Contexts } from './expressions.ts';
import { contextFromEnv } from './github-context.ts';
import { Masks } from './masks.ts';
import { type NodeAction, openNodeAction, runNodeAction } from './node-action.ts';
import { openMachine } from './runner-machine.ts';
import type { Annotation } from './step-log.ts';
import type { StepOutcome, StepSurroundings } from './step-process.ts';

export interface RunActionOptions {
  /** The action's directory in the assembled tree. */
  readonly directory: string;
  /** By name, as after `with:`. */
  readonly inputs: Readonly<Record<string, string>>;
  /**
   * The step's environment besides the runner's own. `GITHUB_TOKEN` is `github.token`; the files that `GITHUB_OUTPUT` and
   * `GITHUB_STEP_SUMMARY` name get what the action wrote, unmasked; `RUNNER_TEMP` is kept when it is given.
   */
  readonly env: Readonly<Record<string, string>>;
  /** The event's payload; default what `GITHUB_EVENT_PATH` in `env` holds. */
  readonly event?: unknown;
  /** The working directory; default the process's own. */
  readonly workspace?: string;
  /** Is told of each line of the log as it comes, masked. */
  readonly onLine?: (line: string) => void;
  /** Ends the action. */
  readonly signal?: AbortSignal;
}

export interface ActionResult {
  readonly exitCode: number;
  readonly outputs: Readonly<Record<string, string>>;
  /** The page in Markdown. */
  readonly summary: string;
  readonly annotations: readonly Annotation[];
  readonly log: string;
}

/**
 * Runs one action the way GitHub's runner does, and returns what it said with every secret masked. Throws when it cannot
 * be started: no such action, a missing input, a default that cannot be evaluated.
 */
export async function runAction(options: RunActionOptions): Promise<ActionResult> {
  const { directory, inputs, env } = options;
  const given = env['RUNNER_TEMP'];
  const temp = given === undefined ? await mkdtemp(join(tmpdir(), 'slipway-runner-')) : resolve(given);
  try {
    const machine = await openMachine(temp);
    const event = 'event' in options ? options.event : await readEvent(env['GITHUB_EVENT_PATH']);
    const github = contextFromEnv(env, event);
    const masks = new Masks();
    masks.add(env['GITHUB_TOKEN'] ?? '');
    const outcome = await runPhases(
      await openNodeAction(resolve(directory)),
      inputs,
      { github, runner: machine.context },
      {
        temp,
        workspace: resolve(options.workspace ?? ''),
        env: { ...machine.env, ...env },
        event,
        masks,
        onLine: options.onLine ?? (() => undefined),
        signal: options.signal,
      },
    );
    await passOn(outcome, env);
    const { exitCode, summary, annotations, log } = outcome;
    return { exitCode, outputs: masks.applyToValues(outcome.outputs), summary: masks.apply(summary), annotations, log };
  } finally {
    if (given === undefined) await rm(temp, { recursive: true, force: true });
  }
}

/** Runs the action's script, and those before and after it; what they leave counts together. */
async function runPhases(
  action: NodeAction,
  inputs: Readonly<Record<string, string>>,
  contexts: Contexts,
  surroundings: StepSurroundings,
): Promise<StepOutcome> {
  const { pre, post } = action.metadata;
  const run = async (phase: 'pre' | 'main' | 'post', before: readonly StepOutcome[]): Promise<StepOutcome[]> => {
    const state = Object.assign({}, ...before.map((left) => left.state));
    return [...before, await runNodeAction(action, phase, inputs, state, contexts, surroundings)];
  };
  let all = pre === undefined ? [] : await run('pre', []);
  if (all.every(({ exitCode }) => exitCode === 0)) all = await run('main', all);
  if (post !== undefined) all = await run('post', all);
  return {
    exitCode: all.find(({ exitCode }) => exitCode !== 0)?.exitCode ?? 0,
    outputs: Object.assign({}, ...all.map(({ outputs }) => outputs)),
    env: {},
    path: [],
    state: {},
    summary: all.map(({ summary }) => summary).join(''),
    annotations: all.flatMap(({ annotations }) => annotations),
    log: all.map(({ log }) => log).join('\n'),
  };
}

async function readEvent(path: string | undefined): Promise<unknown> {
  return path === undefined || path === '' ? {} : JSON.parse(await readFile(path, 'utf8'));
}

/** Writes outputs and summary to the caller's own files, as if the action had been given those. */
async function passOn({ outputs, summary }: StepOutcome, env: Readonly<Record<string, string>>): Promise<void> {
  const { GITHUB_OUTPUT: outputFile, GITHUB_STEP_SUMMARY: summaryFile } = env;
  if (outputFile) {
    const entries = Object.entries(outputs).map(([name, value]) => formatOutput(name, value));
    await appendFile(outputFile, entries.join(''));
  }
  if (summaryFile) await appendFile(summaryFile, summary);
}

function formatOutput(name: string, value: string): string {
  let end = 'END_OF_VALUE';
  while (value.split('\n').includes(end)) end += '_';
  return `${name}<<${end}\n${value}\n${end}\n`;
}
