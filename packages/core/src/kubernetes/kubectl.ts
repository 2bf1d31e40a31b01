import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { getExecOutput } from '@actions/exec';
import { ActionError, ConfigurationError, messageOf } from '../errors.ts';
import { plainLine } from './plain-line.ts';

/** Seconds after which kubectl gives one request up. */
const REQUEST_TIMEOUT = 15;

/** Milliseconds after which a command is not waited for any longer: a credential plugin may hang where kubectl does not. */
const COMMAND_TIMEOUT = 60_000;

export interface KubectlOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly namespace: string;
  /** Path of the kubeconfig; undefined leaves it to kubectl. */
  readonly kubeconfig: string | undefined;
  /** Where kubectl keeps what it has learnt about the server. */
  readonly cacheDirectory: string;
}

/** kubectl did not do what it was told. */
export class KubectlError extends ActionError {
  override readonly name = 'KubectlError';
}

/**
 * Runs kubectl, whatever its version. What it answers is asked for as JSON and read from there; what it writes for
 * people is shown to people and never read.
 *
 * Operands stand behind `--`, and every value is one element of the command, so that no name can be taken for an option.
 */
export class Kubectl {
  readonly #program: string;
  readonly #common: readonly string[];
  readonly #env: Record<string, string>;

  /** Throws a ConfigurationError when kubectl is not installed. */
  constructor({ env, namespace, kubeconfig, cacheDirectory }: KubectlOptions) {
    this.#program = findKubectl(env);
    this.#env = passableEnvironment(env);
    this.#common = [
      `--namespace=${namespace}`,
      `--cache-dir=${cacheDirectory}`,
      `--request-timeout=${REQUEST_TIMEOUT}s`,
      ...(kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`]),
    ];
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
    const { exitCode, stdout, stderr } = await withDeadline(
      getExecOutput(quote(this.#program), [...command, ...this.#common, '--', ...operands], {
        env: this.#env,
        // An end of input at once: without credentials kubectl would ask for a user name and wait for it.
        input: Buffer.alloc(0),
        silent: true,
        ignoreReturnCode: true,
      }),
      what,
    );
    if (exitCode === 0) return stdout;
    const said = stderr.trim().split('\n').map(plainLine).slice(-3).join(' ');
    throw new KubectlError('kubectl-failed', `${what} failed: ${said || `exit code ${exitCode}`}`);
  }
}

/** The library takes a command line apart at blanks, unless they are between quotes. */
function quote(program: string): string {
  return `"${program.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

async function withDeadline<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new KubectlError('kubectl-hangs', `${what} has not ended after ${COMMAND_TIMEOUT / 1000} s.`)),
      COMMAND_TIMEOUT,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Returns where kubectl is on the PATH of `env`; throws a ConfigurationError that says how to get it. */
export function findKubectl(env: NodeJS.ProcessEnv): string {
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
