import { spawn } from 'node:child_process';

export interface GitResult {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface GitOptions {
  readonly input?: string | Uint8Array;
  readonly environment?: Readonly<Record<string, string>>;
  /** Exit codes that are answers rather than failures (default: 0 only). */
  readonly accept?: readonly number[];
}

const configuration: Readonly<Record<string, string>> = {
  // The caller names the repositories to serve, so git's check of their owner adds nothing.
  'safe.directory': '*',
  'uploadpack.allowFilter': 'true',
  // GitHub's filters: `blob:none`, `blob:limit=<n>` and `tree:0`, and no combination of them.
  'uploadpackfilter.allow': 'false',
  'uploadpackfilter.blob:none.allow': 'true',
  'uploadpackfilter.blob:limit.allow': 'true',
  'uploadpackfilter.tree.allow': 'true',
  'uploadpackfilter.tree.maxDepth': '0',
  'uploadpack.allowAnySHA1InWant': 'true',
  'http.receivepack': 'true',
  'receive.hideRefs': 'refs/pull',
  // A repacking left behind in the background would outlive the server.
  'gc.auto': '0',
  'receive.autogc': 'false',
};

/**
 * The environment of every git process: the machine's configuration stays out of it, and the server's own settings go
 * in by environment, so that the configuration of a repository served in place is never touched.
 *
 * @see https://git-scm.com/docs/git-config#Documentation/git-config.txt-GITCONFIGCOUNT
 */
export function gitEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const settings = { ...configuration, ...more };
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !name.startsWith('GIT_')) environment[name] = value;
  }
  Object.assign(environment, {
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_CONFIG_COUNT: String(Object.keys(settings).length),
  });
  for (const [index, [key, value]] of Object.entries(settings).entries()) {
    environment[`GIT_CONFIG_KEY_${index}`] = key;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return environment;
}

/** Runs git on a bare repository; an exit code that is not accepted is an error with git's own words. */
export async function runGit(directory: string, args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
  const child = spawn('git', [`--git-dir=${directory}`, ...args], {
    env: { ...gitEnvironment(), ...options.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // git may exit before it has read everything; its exit code tells the story then.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exit) => resolve(exit ?? -1));
  });
  const result = { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() };
  if (!(options.accept ?? [0]).includes(code)) {
    throw new Error(`git ${args.join(' ')} in ${directory} exits with ${code}: ${result.stderr.trim()}`);
  }
  return result;
}

/** Runs git and returns what it prints, without the last newline. */
export async function gitText(directory: string, args: readonly string[], options: GitOptions = {}): Promise<string> {
  const { stdout } = await runGit(directory, args, options);
  return stdout.toString().replace(/\n$/, '');
}

/** Creates an empty bare repository whose default branch is `branch`. */
export async function createBareRepository(directory: string, branch = 'main'): Promise<void> {
  await runGit(directory, ['init', '--bare', '--quiet', `--initial-branch=${branch}`, directory]);
}
