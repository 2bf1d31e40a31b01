import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';

export interface ChildOptions {
  readonly directory: string;
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Is told of each line of either stream; the runner reads commands from both. */
  readonly onLine: (line: string) => void;
  /** Ends the process with SIGINT, and with SIGKILL when that does not help. */
  readonly signal?: AbortSignal | undefined;
  /** Ends the process and all it has started with SIGKILL, at once. */
  readonly kill?: AbortSignal | undefined;
  /** Milliseconds between SIGINT and SIGKILL (default 2000; GitHub gives ten seconds). */
  readonly grace?: number | undefined;
}

/** A process group outlives its parent: whatever runs still when we end is ended first. */
const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) killGroup(child);
});

const GRACE = 2000;
/** Milliseconds that the streams of a process that has ended are waited for: a child of its may hold them open. */
const STREAMS = 1000;

/**
 * Runs a program in a process group of its own until it ends and its output is read. Returns its exit code; for one that
 * a signal ended 128 and the signal's number, as a shell does.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-cancellation
 */
export function runChild(command: string, args: readonly string[], options: ChildOptions): Promise<number> {
  const { directory, env, onLine, signal, kill, grace = GRACE } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    living.add(child);
    let timer: NodeJS.Timeout | undefined;
    const end = (): void => killGroup(child);
    // The process alone gets SIGINT, as on GitHub: what it makes of it is its own affair.
    const interrupt = (): void => {
      child.kill('SIGINT');
      timer ??= setTimeout(end, grace);
    };
    const release = [onAbort(signal, interrupt), onAbort(kill, end)];
    const flushes = [child.stdout, child.stderr].map((stream) => readLines(stream, onLine));
    child.on('error', (error) => {
      living.delete(child);
      for (const undo of release) undo();
      reject(new Error(`cannot start ${command}: ${error.message}`, { cause: error }));
    });
    child.on('exit', () => {
      living.delete(child);
      clearTimeout(timer);
      timer = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, STREAMS);
    });
    child.on('close', (code, endedBy) => {
      clearTimeout(timer);
      for (const undo of release) undo();
      for (const flush of flushes) flush();
      resolve(code ?? 128 + (endedBy === null ? 0 : constants.signals[endedBy]));
    });
  });
}

/** Ends a process and whatever is still in its group. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The whole group has ended by itself.
  }
}

function onAbort(signal: AbortSignal | undefined, work: () => void): () => void {
  if (signal?.aborted) work();
  else signal?.addEventListener('abort', work, { once: true });
  return () => signal?.removeEventListener('abort', work);
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
