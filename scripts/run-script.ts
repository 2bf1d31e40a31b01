import { cwd, env } from 'node:process';

/** Runs the whole of a script: an error ends it with its message, which says what to do, and exit code 1. */
export async function runScript(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

/** Where the user stands: npm runs a script in the root of the repository, wherever it was called. */
export function userDirectory(): string {
  return env['INIT_CWD'] ?? cwd();
}
