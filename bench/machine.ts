import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { machineCpu, ProcessTree } from './process-tree.ts';

/** The load average of the last minute below which a machine counts as quiet. */
const QUIET = 1.5;

/** Returns what a reader of the figures has to know about the machine. */
export function describeMachine(): string {
  const processors = cpus();
  const [, , type = 'unknown'] = mountOf(tmpdir());
  const memory = `${Math.round(totalmem() / 1024 ** 3)} GiB`;
  return `${processors.length} × ${processors[0]?.model}, ${memory}, Linux ${release()}, node ${process.version}, ${tmpdir()} on ${type}`;
}

/** The load average of the last minute. */
export function load(): number {
  return Number((loadavg()[0] ?? 0).toFixed(2));
}

/** Waits until the machine is quiet, 60 s at the most, and returns a sentence that says whether it is. */
export async function waitForQuiet(): Promise<string> {
  for (let seconds = 0; seconds < 60 && load() >= QUIET; seconds += 1) await sleep(1000);
  return load() < QUIET
    ? `The machine is quiet: load ${load()}.`
    : `The machine is NOT quiet: load ${load()} after a minute of waiting. Trust ratios with care, and times not at all.`;
}

/** How many cores the rest of the machine may keep busy while we measure. */
export const DISTURBING = 0.25;
/** Milliseconds. */
const [LOOK, PATIENCE] = [250, 3000];

/**
 * Waits until the rest of the machine is at rest, the kernel with what we have left to it among it; 3 s at the most, for
 * a machine that is never at rest is measured all the same.
 */
export async function waitForOthers(): Promise<void> {
  for (let waited = 0; waited < PATIENCE; waited += LOOK) {
    const meter = new OthersMeter();
    await sleep(LOOK);
    if (meter.read() < DISTURBING) return;
  }
}

/** Milliseconds that a disk at rest needs for a small file, and that are waited for it at the most. */
const [PROMPT, DISK_PATIENCE] = [50, 120_000];

/** Waits until the disk takes a small file at once: it writes and discards what others have left for minutes. */
export async function waitForDisk(): Promise<void> {
  const file = join(tmpdir(), `slipway-bench-disk-${process.pid}`);
  for (const started = performance.now(); performance.now() - started < DISK_PATIENCE; ) {
    const before = performance.now();
    await writeFile(file, 'settled', { flush: true });
    await rm(file);
    if (performance.now() - before < PROMPT) return;
    await sleep(LOOK);
  }
}

/** Measures how many cores are busy with what is neither this process nor one that it has started. */
export class OthersMeter {
  readonly #tree = new ProcessTree(process.pid);
  readonly #ours = this.#tree.cpu();
  readonly #all = machineCpu();
  readonly #time = performance.now();

  /** Returns the cores, on average since the meter was made. */
  read(): number {
    const seconds = (performance.now() - this.#time) / 1000;
    return Math.max(0, (machineCpu() - this.#all - (this.#tree.cpu() - this.#ours)) / seconds);
  }
}

/** The mount that a path is on: device, directory, type. */
function mountOf(path: string): string[] {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, directory = '?']) => directory === '/' || path === directory || path.startsWith(`${directory}/`));
  return mounts.sort(([, a = ''], [, b = '']) => b.length - a.length)[0] ?? [];
}
