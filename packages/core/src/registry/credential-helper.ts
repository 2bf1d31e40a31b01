import { type ChildProcess, spawn } from 'node:child_process';
import { access, constants, realpath } from 'node:fs/promises';
import { delimiter, isAbsolute, join, parse, sep } from 'node:path';
import { ConfigurationError, messageOf } from '../errors.ts';
import { isRecord } from '../util/record.ts';
import {
  type Credential,
  type CredentialPrograms,
  type FoundCredential,
  normalizeName,
  secretsOf,
} from './credentials.ts';

export interface HelperOptions {
  /** `credHelpers`: a registry's name, and the program for it alone. */
  readonly byName: Iterable<readonly [string, string]>;
  /** `credsStore`: the program for every other registry. */
  readonly fallback: string | undefined;
  /** The file that names them, for messages. */
  readonly path: string;
  readonly env: NodeJS.ProcessEnv;
  readonly mask: (secret: string) => void;
  /** Milliseconds that a program may take (default 60,000): it may have to ask a cloud. */
  readonly limit?: number;
}

/** A name becomes part of a program's name: no path may be written with it, and no option. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i;

/** What a program may print, bytes; credentials are a few hundred. */
const OUTPUT_LIMIT = 256 * 1024;

/** Docker Hub's key in every docker configuration and every program. */
const DOCKER_HUB = 'https://index.docker.io/v1/';

/**
 * Asks the programs that keep docker's credentials: `docker-credential-<name> get`, the host on its input, JSON on its
 * output.
 *
 * They are looked for on the PATH only, and never below the directory of the job: what was checked out there is not ours.
 * They see the environment without the action's inputs, which hold other secrets.
 * https://github.com/docker/docker-credential-helpers#development
 */
export class HelperPrograms implements CredentialPrograms {
  readonly #byName: ReadonlyMap<string, string>;
  readonly #options: HelperOptions;

  constructor(options: HelperOptions) {
    this.#byName = new Map([...options.byName].map(([name, helper]) => [normalizeName(name), helper]));
    this.#options = options;
  }

  serves(registry: string): boolean {
    return this.#helperOf(registry) !== undefined;
  }

  async lookUp(registry: string): Promise<FoundCredential | undefined> {
    const helper = this.#helperOf(registry);
    if (helper === undefined) return undefined;
    const credential = await this.#ask(helper, registry);
    if (credential === undefined) return undefined;
    for (const secret of secretsOf(credential)) this.#options.mask(secret);
    return { credential, origin: `docker-credential-${helper}, which ${this.#options.path} names`, renewable: true };
  }

  /** An empty name takes a registry out: its credentials stand in the file. */
  #helperOf(registry: string): string | undefined {
    const own = this.#byName.get(registry);
    return own === '' ? undefined : (own ?? this.#options.fallback);
  }

  async #ask(helper: string, registry: string): Promise<Credential | undefined> {
    const { path, env, limit = 60_000 } = this.#options;
    const program = `docker-credential-${helper}`;
    const refuse = (problem: string, cause?: unknown): never => {
      throw new ConfigurationError(
        'credential-helper',
        `${registry} asks for credentials, and ${path} says that ${program} keeps them, but ${problem}.`,
        { cause },
      );
    };
    if (!NAME.test(helper)) return refuse(`'${helper.slice(0, 100)}' is no name of a program: correct it`);
    const file = await findOnPath(program, env);
    if (file === undefined) {
      return refuse(
        `no program of that name is on the PATH: install it on this runner, outside of the workspace, or take it out of that file and run ` +
          `docker login ${registry}, or give the credentials as inputs`,
      );
    }
    let finished: Finished;
    try {
      finished = await run(file, registry === 'docker.io' ? DOCKER_HUB : registry, env, limit);
    } catch (error) {
      return refuse(`${messageOf(error)}: run \`${program} get\` by hand on this runner to see why`, error);
    }
    const { exitCode, stdout, stderr } = finished;
    if (exitCode !== 0) {
      const said = `${stdout}\n${stderr}`.trim();
      if (/credentials not found/i.test(said)) return undefined;
      return refuse(`it failed (${exitCode ?? 'killed'})${said === '' ? '' : `: ${redact(said)}`}`);
    }
    const answer = readAnswer(stdout) ?? refuse('its answer is no JSON with Username and Secret');
    // A store may look for similar names, and some answer with nothing in it.
    if (answer.secret === '' || (answer.server !== '' && normalizeName(answer.server) !== registry)) return undefined;
    return answer.username === '<token>'
      ? { identityToken: answer.secret }
      : { username: answer.username, password: answer.secret };
  }
}

interface Answer {
  readonly server: string;
  readonly username: string;
  readonly secret: string;
}

function readAnswer(text: string): Answer | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(answer)) return undefined;
  const { ServerURL: server = '', Username: username, Secret: secret } = answer;
  if (typeof server !== 'string' || typeof username !== 'string' || typeof secret !== 'string') return undefined;
  return { server, username, secret };
}

/**
 * Returns where a program is on the PATH; entries relative to the current directory are left out, and what lies in the
 * workspace, by whatever name.
 */
async function findOnPath(program: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const stated = env['GITHUB_WORKSPACE'] ?? '';
  const workspace = stated === '' ? undefined : await realpath(stated).catch(() => stated);
  for (const directory of (env['PATH'] ?? '').split(delimiter).filter(isAbsolute)) {
    const file = join(directory, program);
    try {
      await access(file, constants.X_OK);
      const real = await realpath(file);
      if (workspace === undefined || !real.startsWith(`${workspace}${sep}`)) return file;
    } catch {
      // It may be in the next one.
    }
  }
  return undefined;
}

interface Finished {
  /** Null when a signal has ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(file: string, input: string, env: NodeJS.ProcessEnv, limit: number): Promise<Finished> {
  const visible = Object.fromEntries(Object.entries(env).filter(([name]) => !/^(?:INPUT|OSS)_/i.test(name)));
  return new Promise((resolve, reject) => {
    // In a group of its own, so that what it starts can be ended with it.
    const child = spawn(file, ['get'], { env: visible, cwd: parse(file).root, stdio: 'pipe', detached: true });
    const end = (problem: string): void => {
      clearTimeout(timer);
      killGroup(child);
      // What has left the group may keep its pipes open.
      child.stdout.destroy();
      child.stderr.destroy();
      reject(new Error(problem));
    };
    const timer = setTimeout(() => end(`it did not answer within ${Math.round(limit / 1000)} s`), limit);
    let size = 0;
    const collect = (chunks: Buffer[]) => (chunk: Buffer) => {
      size += chunk.length;
      if (size > OUTPUT_LIMIT) end(`it printed more than ${OUTPUT_LIMIT} bytes`);
      else chunks.push(chunk);
    };
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', collect(stdout));
    child.stderr.on('data', collect(stderr));
    // A program that reads nothing has ended, or will: its answer is what counts.
    child.stdin.on('error', () => undefined);
    child.once('error', (error) => end(`it could not be started (${messageOf(error)})`));
    child.once('close', (exitCode) => {
      clearTimeout(timer);
      resolve({ exitCode, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
    child.stdin.end(`${input}\n`);
  });
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}

/** A program that fails may print what it has: long words without a space are more likely a secret than a word. */
function redact(text: string): string {
  return text
    .slice(0, 2000)
    .replace(/"(?:Secret|Password|Token)"\s*:\s*"(?:[^"\\]|\\.)*"?/gi, '"REDACTED"')
    .replace(/\/\/[^/\s@]+@/g, '//REDACTED@')
    .replace(/[A-Za-z0-9+/_=.-]{24,}/g, (word) => (/^[a-z/._-]+$/i.test(word) ? word : 'REDACTED'))
    .slice(0, 500);
}
