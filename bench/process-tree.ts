import { readdirSync, readFileSync } from 'node:fs';

/**
 * The processes below one, from `/proc`; only processes that have come since the last look are read, so that looking
 * forty times a second costs next to nothing.
 *
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export class ProcessTree {
  readonly #root: number;
  readonly #parents = new Map<number, number>();

  constructor(root: number) {
    this.#root = root;
  }

  /** Returns the ids of what runs below the root now, the root itself not among them. */
  look(): number[] {
    const alive = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
    for (const pid of alive) if (!this.#parents.has(pid)) this.#parents.set(pid, Number(readStat(pid)?.[1] ?? 0));
    return alive.filter((pid) => this.#isBelow(pid));
  }

  /** Returns the CPU seconds of the root, of all below it, and of those below it that have ended. */
  cpu(): number {
    let ticks = 0;
    for (const pid of [this.#root, ...this.look()]) {
      const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = (readStat(pid) ?? []).slice(11, 15).map(Number);
      ticks += user + system + endedUser + endedSystem;
    }
    return ticks / TICKS;
  }

  #isBelow(pid: number): boolean {
    for (let at = this.#parents.get(pid); at !== undefined && at !== 0; at = this.#parents.get(at)) {
      if (at === this.#root) return true;
    }
    return false;
  }
}

/** The kernel counts time for `/proc` in hundredths of a second on every architecture that node runs on. */
const TICKS = 100;

/** Returns the CPU seconds that all processes of the machine have used, and what a host took from it. */
export function machineCpu(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS;
}

/** The fields after the name, which may hold spaces: state, parent, … Undefined when the process has ended. */
function readStat(pid: number): string[] | undefined {
  const text = readProcess(pid, 'stat');
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Returns a file of `/proc/<pid>`, undefined when the process has ended. */
export function readProcess(pid: number, file: 'stat' | 'status' | 'io'): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}
