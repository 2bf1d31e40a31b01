import { mkdir } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';

/** Of the surroundings only these come through: a step must not depend on whose terminal it was started from. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'];

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'X64', arm64: 'ARM64' };

/** The machine that a job runs on, as far as steps can see it. */
export interface RunnerMachine {
  /** RUNNER_TEMP: steps share it, and it goes when the job has ended. */
  readonly temp: string;
  /** The context `runner`. */
  readonly context: Readonly<Record<string, string>>;
  /** The environment that every step begins with. */
  readonly env: Readonly<Record<string, string>>;
}

/** Sets up a machine whose temporary directory is `temp`. */
export async function openMachine(temp: string): Promise<RunnerMachine> {
  const toolCache = join(temp, 'tool-cache');
  await mkdir(toolCache, { recursive: true });
  const context = {
    name: 'sandbox',
    os: 'Linux',
    arch: ARCHITECTURES[arch()] ?? arch().toUpperCase(),
    environment: 'self-hosted',
    temp,
    tool_cache: toolCache,
  };
  const inherited = INHERITED.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const described = Object.entries(context).map(([name, value]) => [`RUNNER_${name.toUpperCase()}`, value] as const);
  return {
    temp,
    context,
    env: Object.fromEntries([...inherited, ['CI', 'true'], ['GITHUB_ACTIONS', 'true'], ...described]),
  };
}
