import { readdir, readFile } from 'node:fs/promises';

/** What every process of a job has in its environment, whatever group or session it has moved to. */
export const TRACKING_VARIABLE = 'RUNNER_TRACKING_ID';

/**
 * Ends every process that has the tracking id in its environment, as GitHub's runner does when a job has ended. Where
 * there is no `/proc`, it ends nothing: the groups of the steps are all that can be ended there.
 */
export async function endTrackedProcesses(id: string): Promise<void> {
  const marker = `${TRACKING_VARIABLE}=${id}`;
  // One that is just being started by another is found in the next round.
  for (let round = 0; round < 10; round += 1) {
    const found = await findProcesses(marker);
    if (found.length === 0) return;
    for (const pid of found) kill(pid);
  }
}

async function findProcesses(marker: string): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const carries = await Promise.all(
    pids.map(async (pid) => {
      // Of others' processes, and of those that have just ended, the environment cannot be read; of dead ones it is empty.
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      return environment.split('\0').includes(marker);
    }),
  );
  return pids.filter((_, index) => carries[index] === true);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
