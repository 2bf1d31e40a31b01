import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { runChild } from './child-process.ts';
import { parseFileCommand } from './file-command.ts';
import type { Masks } from './masks.ts';
import { reasonOf } from './reason.ts';
import { type Annotation, StepLog } from './step-log.ts';

/** Where a step runs. */
export interface StepSurroundings {
  /** RUNNER_TEMP; the files that the step writes for the runner are put there. */
  readonly temp: string;
  /** The working directory. */
  readonly workspace: string;
  readonly env: Readonly<Record<string, string>>;
  /** The event's payload. */
  readonly event: unknown;
  /** Grows with what the step masks. */
  readonly masks: Masks;
  readonly onLine: (line: string) => void;
  /** Asks the step to end, see {@link runChild}. */
  readonly signal?: AbortSignal | undefined;
  /** Ends the step and its children at once. */
  readonly kill?: AbortSignal | undefined;
  readonly grace?: number | undefined;
}

/** What a step left. Only `log` and `annotations` are masked: the next step needs the values themselves. */
export interface StepOutcome {
  readonly exitCode: number;
  readonly outputs: Readonly<Record<string, string>>;
  /** What it added to the environment of the steps after it. */
  readonly env: Readonly<Record<string, string>>;
  /** What it put in front of their PATH, the last one first. */
  readonly path: readonly string[];
  /** What it wants to find again as `STATE_<name>` in the post step of the same action. */
  readonly state: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly annotations: readonly Annotation[];
  readonly log: string;
}

/** The files by which a step answers, each named by a variable. */
const FILES = ['GITHUB_OUTPUT', 'GITHUB_STEP_SUMMARY', 'GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_STATE'] as const;

/** Runs one program as a step: with the files it may write to, its output read for commands. */
export async function runStepProcess(
  command: string,
  args: readonly string[],
  surroundings: StepSurroundings,
  warnings: readonly string[] = [],
): Promise<StepOutcome> {
  const { temp, workspace, env, masks, onLine, signal, kill, grace } = surroundings;
  const directory = await mkdtemp(join(temp, 'step-'));
  const files = Object.fromEntries(FILES.map((name) => [name, join(directory, name.toLowerCase())]));
  await Promise.all(Object.values(files).map((path) => writeFile(path, '')));
  const eventPath = join(directory, 'event.json');
  await writeFile(eventPath, JSON.stringify(surroundings.event ?? {}));
  const log = new StepLog({ masks, onLine, debug: env['RUNNER_DEBUG'] === '1' });
  for (const message of warnings) log.annotate({ level: 'warning', message });
  const exitCode = await runChild(command, args, {
    directory: workspace,
    env: { GITHUB_WORKSPACE: workspace, ...env, RUNNER_TEMP: temp, GITHUB_EVENT_PATH: eventPath, ...files },
    onLine: (line) => log.take(line),
    signal,
    kill,
    grace,
  });
  const read = async (name: (typeof FILES)[number]): Promise<string> => readFile(files[name] ?? '', 'utf8');
  // A file that cannot be read fails the step, as on GitHub, but nothing else of it is lost.
  const mistakes: string[] = [];
  const readValues = async (name: (typeof FILES)[number]): Promise<Record<string, string>> => {
    try {
      return parseFileCommand(await read(name));
    } catch (error) {
      const message = `Unable to process ${name}: ${reasonOf(error)}`;
      mistakes.push(message);
      log.annotate({ level: 'error', message });
      return {};
    }
  };
  const outputs = await readValues('GITHUB_OUTPUT');
  const added = await readValues('GITHUB_ENV');
  if ('NODE_OPTIONS' in added) {
    // With it one step could run code of its own in the actions of all others.
    const message = "Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.";
    mistakes.push(message);
    log.annotate({ level: 'error', message });
    delete added['NODE_OPTIONS'];
  }
  const state = await readValues('GITHUB_STATE');
  const path = (await read('GITHUB_PATH')).split(/\r?\n/).filter((line) => line !== '');
  return {
    exitCode: exitCode === 0 && mistakes.length > 0 ? 1 : exitCode,
    outputs,
    env: added,
    path: path.reverse(),
    state,
    summary: await read('GITHUB_STEP_SUMMARY'),
    annotations: log.annotations,
    log: log.text,
  };
}

/** Puts what steps added in front of a PATH. */
export function extendPath(path: string | undefined, added: readonly string[]): string {
  return [...added, ...(path === undefined ? [] : [path])].join(delimiter);
}
