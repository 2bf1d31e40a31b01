import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';

/** Tells whether a process ends within a few seconds; one that nobody has buried yet has ended. */
export async function hasEnded(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 300; tries += 1) {
    const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') X ');
    if (/\) [ZX] /.test(state)) return true;
    await setTimeout(10);
  }
  return false;
}
