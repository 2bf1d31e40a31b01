import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';

export interface ChildOptions {
  readonly directory: string;
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Is told of each line of either stream; the runner reads commands from both. */
  readonly onLine: (line: string) => void;
  /** Ends the process with SIGTERM. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a program until it ends and its output is read. Returns its exit code; for one that a signal ended 128 and the
 * signal's number, as a shell does.
 */
export function runChild(command: string, args: readonly string[], options: ChildOptions): Promise<number> {
  const { directory, env, onLine, signal } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const stop = (): boolean => child.kill('SIGTERM');
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    const flushes = [child.stdout, child.stderr].map((stream) => readLines(stream, onLine));
    child.on('error', (error) => reject(new Error(`cannot start ${command}: ${error.message}`, { cause: error })));
    child.on('close', (code, endedBy) => {
      signal?.removeEventListener('abort', stop);
      for (const flush of flushes) flush();
      resolve(code ?? 128 + (endedBy === null ? 0 : constants.signals[endedBy]));
    });
  });
}

/** Calls `onLine` for each line of `stream`; returns what to call in the end for a line without its newline. */
function readLines(stream: Readable, onLine: (line: string) => void): () => void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  return () => {
    if (rest !== '') onLine(rest);
  };
}
