import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ConfigurationError, systemCodeOf } from '../errors.ts';

const execute = promisify(execFile);

/** A listing of half a million files has 50 MB. */
const OUTPUT_LIMIT = 512 * 1024 * 1024;

/** What git said when it failed. */
export class GitError extends Error {
  override readonly name = 'GitError';
}

/**
 * Returns the environment git runs in: nothing of the job's but the path, no prompts, no configuration of the machine's,
 * and `settings` as configuration. Settings travel in the environment because an argument could be read by every process.
 *
 * https://git-scm.com/docs/git-config#ENVIRONMENT
 */
export function gitEnvironment(
  env: NodeJS.ProcessEnv,
  settings: Readonly<Record<string, string>> = {},
): NodeJS.ProcessEnv {
  const kept = [
    'PATH',
    'HTTPS_PROXY',
    'https_proxy',
    'HTTP_PROXY',
    'http_proxy',
    'NO_PROXY',
    'no_proxy',
    'SSL_CERT_FILE',
  ];
  const entries = Object.entries(settings);
  return {
    ...Object.fromEntries(kept.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))),
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_COUNT: String(entries.length),
    ...Object.fromEntries(
      entries.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
    LC_ALL: 'C',
  };
}

/** Runs git to its end and returns what it printed; throws a GitError with what it complained about. */
export async function runGit(
  directory: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  input = '',
): Promise<Buffer> {
  try {
    const running = execute('git', ['--git-dir', directory, ...args], {
      env,
      encoding: 'buffer',
      maxBuffer: OUTPUT_LIMIT,
    });
    // What it does not read is its own affair: its exit code counts.
    running.child.stdin?.on('error', () => undefined).end(input);
    return (await running).stdout;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') throw missingGit(error);
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    throw new GitError(stderr.trim() || String(error), { cause: error });
  }
}

function missingGit(cause: unknown): ConfigurationError {
  return new ConfigurationError('missing-git', 'git is not on the PATH of this runner. Install it.', { cause });
}
