import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { OthersMeter } from './machine.ts';
import { ProcessTree, readProcess } from './process-tree.ts';

/** What is measured: a line of bash, made by {@link words} so that every argument arrives as it is. */
export interface Command {
  readonly script: string;
  readonly directory: string;
}

export interface Measure {
  /** Wall time from the start of the process to its end. */
  readonly seconds: number;
  /** User and system time of all processes of the command, in seconds; the servers are not in it. */
  readonly cpu: number;
  /** The kernel's high-water marks (VmHWM) of the processes that ran at one time, added up, in bytes. */
  readonly memory: number;
  /** Bytes that the command wrote to files on a disk, as far as the last look at it saw. */
  readonly written: number;
  /** How many cores all the rest of the machine kept busy meanwhile; our servers are not the rest. */
  readonly others: number;
}

/** Milliseconds between two looks at a command's memory, which only ever grows. */
const LOOK = 20;

/**
 * Runs a command to its end and returns what it took. Throws with its output when it fails; a signal to us ends it too.
 *
 * Bash times it: node does not tell the times of its children. Linux only.
 */
export async function measure({ script, directory }: Command): Promise<Measure> {
  const timed = `set -o pipefail; TIMEFORMAT='%R %U %S'; { time { ${script} ; } 2>&4 ; } 4>&2 2>&3`;
  const meter = new OthersMeter();
  const child = spawn('bash', ['--norc', '-c', timed], {
    cwd: directory,
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const [, out, err, times] = child.stdio;
  let log = '';
  let timing = '';
  for (const stream of [out, err]) stream?.on('data', (data: Buffer) => (log += data.toString('utf8')));
  times?.on('data', (data: Buffer) => (timing += data.toString('utf8')));
  const tree = new ProcessTree(child.pid ?? 0);
  const peak = new Peak(tree);
  const end = (): void => {
    for (const pid of tree.look()) process.kill(pid, 'SIGKILL');
  };
  process.once('exit', end);
  const timer = setInterval(() => peak.look(), LOOK);
  let others = 0;
  try {
    const [code] = await once(child, 'close');
    others = meter.read();
    if (code !== 0) throw new Error(`${script.slice(0, 300)}\nended with ${code}:\n${log.slice(-4000)}`);
  } finally {
    clearInterval(timer);
    process.off('exit', end);
  }
  const [seconds = 0, user = 0, system = 0] = timing.trim().split(/\s+/).map(Number);
  return { seconds, cpu: user + system, memory: peak.memory, written: peak.written, others };
}

/** Adds up what two commands took that ran one after the other. */
export function addMeasures(first: Measure, second: Measure): Measure {
  const seconds = first.seconds + second.seconds;
  return {
    seconds,
    cpu: first.cpu + second.cpu,
    memory: Math.max(first.memory, second.memory),
    written: first.written + second.written,
    others: (first.others * first.seconds + second.others * second.seconds) / seconds,
  };
}

/** Returns words as bash reads them: each one an argument, whatever is in it. */
export function words(...list: readonly string[]): string {
  return list.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
}

/** Looks at processes, and keeps the most memory it saw. */
class Peak {
  readonly #tree: ProcessTree;
  readonly #written = new Map<number, number>();
  memory = 0;

  constructor(tree: ProcessTree) {
    this.#tree = tree;
  }

  get written(): number {
    return this.#written.values().reduce((sum, bytes) => sum + bytes, 0);
  }

  look(): void {
    let memory = 0;
    for (const pid of this.#tree.look()) {
      memory += Number(/VmHWM:\s+(\d+) kB/.exec(readProcess(pid, 'status') ?? '')?.[1] ?? 0) * 1024;
      const written = /^write_bytes: (\d+)$/m.exec(readProcess(pid, 'io') ?? '')?.[1];
      if (written !== undefined) this.#written.set(pid, Number(written));
    }
    this.memory = Math.max(this.memory, memory);
  }
}
