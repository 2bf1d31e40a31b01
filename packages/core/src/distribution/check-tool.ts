import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { ConfigurationError } from '../errors.ts';
import { formatDuration } from '../util/units.ts';

const execute = promisify(execFile);

/** How a command ended, and everything it printed. */
export interface CommandResult {
  readonly exitCode: number;
  readonly output: string;
}

/** A directory of this machine, and where it is in a container. */
export interface Mount {
  readonly source: string;
  readonly target: string;
}

/** Writes mounts that can only be read, as both engines take them. */
export function mountArguments(mounts: readonly Mount[]): string[] {
  return mounts.map(({ source, target }) => {
    if (!source.includes(',')) return `--mount=type=bind,source=${source},target=${target},readonly`;
    const message = `${source} has a comma, which ends a path where programs are told of it. Give another work-directory.`;
    throw new ConfigurationError('invalid-input', message);
  });
}

/** Programs that run a command inside an image; the runner has one of them. */
export interface CheckTool {
  readonly name: 'buildah' | 'podman';
  /**
   * Runs `command` in a container of an image of the OCI layout, with no network and nothing of the job's environment;
   * `mounts` are directories that it can only read. Returns how it ended, and the paths that it changed, made or removed.
   */
  run(
    image: string,
    command: readonly string[],
    mounts: readonly Mount[],
  ): Promise<CommandResult & { readonly changed: readonly string[] }>;
  /** Removes everything that was made for the checks. */
  close(): Promise<void>;
}

/** The way of a program to its end; it never sees the job's environment, where secrets are. */
export type RunProgram = (
  program: string,
  args: readonly string[],
  options?: {
    /** Milliseconds after which it is killed, and a ConfigurationError thrown. */
    readonly limit?: number;
  },
) => Promise<CommandResult>;

/** Milliseconds that a check may take; one that hangs would hold the runner until the job's own limit. */
export const CHECK_LIMIT = 10 * 60 * 1000;

/**
 * Returns a function that runs programs with nothing but a path and a home below `directory`, and what `more` says: the
 * job's own environment has secrets in it.
 */
export function cleanRunner(
  env: NodeJS.ProcessEnv,
  directory: string,
  more: Readonly<Record<string, string | undefined>> = {},
): RunProgram {
  const clean = { PATH: env['PATH'] ?? '/usr/bin:/bin', HOME: directory, TMPDIR: directory, LC_ALL: 'C', ...more };
  return async (program, args, { limit = 0 } = {}) => {
    const options = { env: clean, cwd: directory, maxBuffer: LIMIT, timeout: limit, killSignal: 'SIGKILL' } as const;
    try {
      const { stdout, stderr } = await execute(program, [...args], options);
      return { exitCode: 0, output: `${stdout}${stderr}` };
    } catch (error) {
      if (limit > 0 && error instanceof Error && 'signal' in error && error.signal === 'SIGKILL') {
        throw new ConfigurationError(
          'check-timeout',
          `The check did not end within ${formatDuration(limit)} and was killed: ${args.slice(args.indexOf('--') + 1).join(' ')}. Make it shorter, or leave it out.`,
          { cause: error },
        );
      }
      if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'number') throw error;
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      return { exitCode: error.code, output: `${stdout}${stderr}` };
    }
  };
}

/** A listing of half a million files has 50 MB. */
const LIMIT = 256 * 1024 * 1024;

/** Says whether a program is on the PATH. */
export async function isInstalled(program: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  for (const directory of (env['PATH'] ?? '').split(delimiter)) {
    try {
      await access(join(directory, program), constants.X_OK);
      return true;
    } catch {
      // It may be in the next one.
    }
  }
  return false;
}

/** Runs a program that has to succeed; throws a ConfigurationError with what it said, and with what else can be done. */
export async function mustRun(
  run: RunProgram,
  program: string,
  args: readonly string[],
  otherwise = 'give the input checks: off',
): Promise<string> {
  const { exitCode, output } = await run(program, args);
  if (exitCode === 0) return output;
  throw new ConfigurationError(
    'check-tool',
    `${program} ${args.find((arg) => !arg.startsWith('-') && !arg.startsWith('/')) ?? ''} failed (${exitCode}): ${output.trim().slice(-2000)}. ` +
      `Mend it on this runner, or ${otherwise}.`,
  );
}
