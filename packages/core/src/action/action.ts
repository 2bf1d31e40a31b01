import { appendFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigurationError, explainError, messageOf, withCode } from '../errors.ts';
import { type EventContext, readEvent } from '../github/event.ts';
import type { Log } from '../util/log.ts';
import { type InputDefinitions, type InputsOf, readInputs } from './inputs.ts';
import { disarm, runnerLog } from './log.ts';
import { formatOutputs, type OutputValues } from './outputs.ts';
import {
  error as annotateError,
  endGroup,
  getInput,
  setOutput,
  setSecret,
  startGroup,
  warning,
} from './runner-commands.ts';
import { Summary } from './summary.ts';

/** Milliseconds that a process gets to end by itself. */
const FAREWELL = 2000;

/** A place in a file of the pull request that the log and the diff view shall point at. */
export interface Annotation {
  readonly severity: 'error' | 'warning';
  readonly title: string;
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/** What an action needs of its surroundings; `run` gets it handed in, so that tests hand in their own. */
export interface Runtime {
  readonly log: Log;
  readonly event: EventContext;
  readonly env: NodeJS.ProcessEnv;
  readonly summary: Summary;
  /** A lasting directory of the runner's, for what the next run can use; made when it is needed. */
  readonly workDirectory: string;
  annotate(annotation: Annotation): void;
  mask(secret: string): void;
  /** Keeps work for the end of the action, whichever way it ends; a failure of it is only logged. */
  atEnd(work: () => Promise<void>): void;
  /** Makes the step fail when everything is done, with the outputs set; the code stands behind the reason. */
  fail(code: string, reason: string): void;
  group<T>(title: string, work: () => Promise<T>): Promise<T>;
}

/**
 * Runs an action: reads its inputs, calls `run`, sets the outputs, writes the summary, and ends failures well. This ring
 * is the only place that touches the process.
 *
 * A ConfigurationError is shown as it is, for its message is the cure; of anything else the stack and the causes are
 * kept in the log.
 */
export async function runAction<D extends InputDefinitions>(
  definitions: D,
  run: (inputs: InputsOf<D>, runtime: Runtime) => Promise<OutputValues>,
): Promise<void> {
  // ali-oss calls url.parse; the user of an action can do nothing about that.
  process.noDeprecation = true;
  const failures: string[] = [];
  const works: (() => Promise<void>)[] = [];
  const summary = new Summary();
  try {
    const inputs = readInputs(definitions, getInput, setSecret);
    const outputs = await run(inputs, createRuntime(inputs, summary, failures, works));
    for (const [name, text] of formatOutputs(outputs)) setOutput(name, text);
  } catch (error) {
    failures.push(explain(error));
  }
  for (const work of works) await work().catch((error: unknown) => runnerLog.warning(disarm(messageOf(error))));
  writeSummary(summary);
  for (const reason of failures) annotateError(disarm(reason));
  endProcess(failures.length === 0 ? 0 : 1);
}

/**
 * Lets the process end with `code` once nothing is left to do, and soon in any case: a connection that somebody forgot
 * would keep it alive for long.
 *
 * `process.exit` waits for V8's threads, and one that compiles may wait for the main thread to collect garbage: then
 * neither ever ends. A process that ends by itself wakes such a thread first. https://github.com/nodejs/node/issues/54918
 */
function endProcess(code: number): void {
  process.exitCode = code;
  // All has been said: what fails now is something that nobody waits for.
  process.on('uncaughtException', () => undefined);
  setTimeout(() => process.exit(), FAREWELL).unref();
}

function createRuntime(
  inputs: Readonly<Record<string, unknown>>,
  summary: Summary,
  failures: string[],
  works: (() => Promise<void>)[],
): Runtime {
  const { env } = process;
  const given = inputs['work-directory'];
  return {
    log: runnerLog,
    event: readEvent(env),
    env,
    summary,
    workDirectory: typeof given === 'string' ? resolve(given) : join(env['RUNNER_TEMP'] || tmpdir(), 'slipway'),
    annotate: ({ severity, title, message, file, line, column }) => {
      const properties = {
        title: disarm(title),
        ...(file !== undefined && { file }),
        ...(line !== undefined && { startLine: line }),
        ...(column !== undefined && { startColumn: column }),
      };
      (severity === 'error' ? annotateError : warning)(disarm(message), properties);
    },
    mask: setSecret,
    atEnd: (work) => works.push(work),
    fail: (code, reason) => failures.push(withCode(reason, code)),
    group: async (title, work) => {
      startGroup(disarm(title));
      try {
        return await work();
      } finally {
        endGroup();
      }
    },
  };
}

function explain(error: unknown): string {
  if (!(error instanceof ConfigurationError)) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
      runnerLog.info(cause.stack ?? cause.message);
  }
  return explainError(error);
}

function writeSummary(summary: Summary): void {
  const file = process.env['GITHUB_STEP_SUMMARY'];
  const page = summary.toString();
  if (file !== undefined && file !== '' && page !== '') appendFileSync(file, page);
}
