import { appendFileSync } from 'node:fs';
import { env } from 'node:process';

/** Returns an input of the stand-in that is running; the runner has filled in the default. */
export function input(name: string): string {
  return (env[`INPUT_${name.toUpperCase()}`] ?? '').trim();
}

/** Reads an input that is true or false. */
export function flag(name: string): boolean {
  const text = input(name).toLowerCase();
  if (text === 'true' || text === 'false') return text === 'true';
  throw new Error(`input '${name}' is '${text}', neither true nor false`);
}

export function setOutput(name: string, value: string): void {
  appendFileSync(env['GITHUB_OUTPUT'] ?? '', `${name}=${value}\n`);
}

/** Says whose place the stand-in takes, and runs it; an error is told as a command and fails the step. */
export async function play(name: string, work: () => Promise<void>): Promise<void> {
  console.log(`This is the sandbox's stand-in for ${name}.`);
  try {
    await work();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.log(`::error::${message.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')}`);
    process.exitCode = 1;
  }
}
