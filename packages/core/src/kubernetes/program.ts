import { spawn } from 'node:child_process';

export interface Finished {
  /** Null when a signal has ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Ends the program at once. */
  readonly signal: AbortSignal;
}

/**
 * Runs a program, without a shell, and returns what it wrote; rejects when it cannot be started or was ended by `signal`.
 *
 * The actions toolkit has no means to end what it has started. A command that goes on after nobody waits for it any
 * longer could still change the cluster, after it has been found that it did not.
 */
export function runProgram(program: string, args: readonly string[], options: ProgramOptions): Promise<Finished> {
  const { env, signal } = options;
  return new Promise((resolve, reject) => {
    // Without an input that is at its end, kubectl would ask for missing credentials and wait for them.
    const child = spawn(program, args, { env, signal, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.once('error', (error) => {
      // What it has started itself may keep its pipes open.
      child.stdout.destroy();
      child.stderr.destroy();
      reject(error);
    });
    child.once('close', (exitCode) => resolve({ exitCode, stdout: text(stdout), stderr: text(stderr) }));
  });
}

function text(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString('utf8');
}
