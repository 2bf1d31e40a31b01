import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ActionError, ConfigurationError, messageOf } from '../errors.ts';
import type { Deadline } from './deadline.ts';
import { objectField, textField } from './field.ts';
import { plainLine } from './plain-line.ts';
import { type Finished, runProgram } from './program.ts';

/** Seconds after which kubectl gives one request up, when there is so much time. */
const REQUEST_TIMEOUT = 15;

/** Milliseconds after which a command is ended: a credential plugin may hang where kubectl does not. */
const COMMAND_TIMEOUT = 60_000;

/** Milliseconds for what asks no server. */
const VERSION_TIMEOUT = 10_000;

/**
 * What kubectl writes when another try would end the same way: the API's own word for its refusal, in parentheses, or
 * that the kubeconfig is of no use. It only decides whether to try again: what is not recognised is tried again.
 */
const FINAL = new RegExp(
  '^Error from server \\((?:BadRequest|Forbidden|Invalid|MethodNotAllowed|NotFound|Unauthorized)\\)|' +
    '^error: (?:You must be logged in|no configuration|error loading config|invalid configuration|context |current-context )',
  'm',
);

export interface KubectlOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly namespace: string;
  /** Path of the kubeconfig; undefined leaves it to kubectl. */
  readonly kubeconfig: string | undefined;
  /** Where kubectl keeps what it has learnt about the server. */
  readonly cacheDirectory: string;
  /** When its commands are ended, whatever they do. */
  readonly deadline: Deadline;
}

/** kubectl did not do what it was told. */
export class KubectlError extends ActionError {
  override readonly name = 'KubectlError';
  /** Whether another try would end the same way. */
  readonly final: boolean;

  constructor(code: string, message: string, options: ErrorOptions & { readonly final?: boolean } = {}) {
    super(code, message, options);
    this.final = options.final ?? false;
  }
}

/**
 * Runs kubectl, whatever its version. What it answers is asked for as JSON and read from there; what it writes for
 * people is shown to people and never read.
 *
 * Operands stand behind `--`, and every value is one element of the command, so that no name can be taken for an option.
 */
export class Kubectl {
  readonly #options: KubectlOptions;
  readonly #program: string;
  readonly #env: Record<string, string>;

  /** Throws a ConfigurationError when kubectl is not installed. */
  constructor(options: KubectlOptions) {
    this.#options = options;
    this.#program = findKubectl(options.env);
    this.#env = passableEnvironment(options.env);
  }

  /** Returns one like this whose commands have another deadline. */
  until(deadline: Deadline): Kubectl {
    return new Kubectl({ ...this.#options, deadline });
  }

  /**
   * Returns which kubectl this is; throws a ConfigurationError when it does not run. This asks no server, so nothing can
   * make it hang.
   */
  async version(): Promise<string> {
    const options = { env: this.#env, signal: AbortSignal.timeout(VERSION_TIMEOUT) };
    try {
      const { stdout } = await runProgram(this.#program, ['version', '--client', '--output=json'], options);
      return textField(objectField(JSON.parse(stdout), 'clientVersion'), 'gitVersion');
    } catch (error) {
      throw new ConfigurationError(
        'broken-kubectl',
        `${this.#program} does not tell its version: ${messageOf(error)}. Install kubectl anew.`,
        { cause: error },
      );
    }
  }

  /** Reads one object. */
  get(kind: 'deployment', name: string): Promise<unknown> {
    return this.#json(['get', '--output=json'], [kind, name]);
  }

  /** Reads the objects of some kinds that a label selector names, as one list. */
  list(kinds: readonly ('replicasets' | 'pods')[], selector: string): Promise<unknown> {
    return this.#json(['get', '--output=json', `--selector=${selector}`], [kinds.join(',')]);
  }

  /** Reads the events about one object. */
  events(uid: string): Promise<unknown> {
    return this.#json(['get', '--output=json', `--field-selector=involvedObject.uid=${uid}`], ['events']);
  }

  /** Returns the last lines that a container wrote, or wrote before its last restart. */
  async logs(pod: string, container: string, lines: number, run: 'current' | 'previous'): Promise<string> {
    const options = [`--container=${container}`, `--tail=${lines}`, ...(run === 'previous' ? ['--previous'] : [])];
    return this.#run(['logs', ...options], [pod]);
  }

  async restart(deployment: string): Promise<void> {
    await this.#run(['rollout', 'restart'], ['deployment', deployment]);
  }

  async undo(deployment: string, revision: number): Promise<void> {
    await this.#run(['rollout', 'undo', `--to-revision=${revision}`], ['deployment', deployment]);
  }

  async #json(command: readonly string[], operands: readonly string[]): Promise<unknown> {
    const text = await this.#run(command, operands);
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new KubectlError('kubectl-answer', `kubectl ${command[0]} answered no JSON: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  async #run(command: readonly string[], operands: readonly string[]): Promise<string> {
    const what = `kubectl ${[...command.filter((part) => !part.startsWith('--')), ...operands].join(' ')}`;
    const { exitCode, stdout, stderr } = await this.#execute([...command, ...this.#common(), '--', ...operands], what);
    if (exitCode === 0) return stdout;
    const said = stderr.trim().split('\n').map(plainLine).slice(-3).join(' ');
    const final = FINAL.test(stderr);
    throw new KubectlError('kubectl-failed', `${what} failed: ${said || `exit code ${exitCode}`}`, { final });
  }

  async #execute(args: readonly string[], what: string): Promise<Finished> {
    const { deadline } = this.#options;
    try {
      return await deadline.limit(what, COMMAND_TIMEOUT, (signal) =>
        runProgram(this.#program, args, { env: this.#env, signal }),
      );
    } catch (error) {
      throw new KubectlError('kubectl-ended', messageOf(error), { cause: error });
    }
  }

  #common(): string[] {
    const { namespace, kubeconfig, cacheDirectory, deadline } = this.#options;
    const seconds = Math.max(1, Math.min(REQUEST_TIMEOUT, Math.ceil(deadline.left() / 1000)));
    return [
      `--namespace=${namespace}`,
      `--cache-dir=${cacheDirectory}`,
      `--request-timeout=${seconds}s`,
      ...(kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`]),
    ];
  }
}

/** Returns where kubectl is on the PATH of `env`; throws a ConfigurationError that says how to get it. */
function findKubectl(env: NodeJS.ProcessEnv): string {
  const found = (env['PATH'] ?? '')
    .split(delimiter)
    .filter((directory) => directory !== '')
    .flatMap((directory) => ['kubectl', 'kubectl.exe'].map((name) => join(directory, name)))
    .find(isExecutable);
  if (found !== undefined) return found;
  throw new ConfigurationError(
    'missing-kubectl',
    'kubectl is not on the PATH of this runner. Install it (https://kubernetes.io/docs/tasks/tools/), or add a step ' +
      'before this one that does.',
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Credential plugins of kubectl need the environment; the inputs of this step, among them its secrets, they do not. */
function passableEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !name.startsWith('INPUT_')) passed[name] = value;
  }
  return passed;
}
