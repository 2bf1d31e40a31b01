import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../errors.ts';

/** `<kind>-<pid>`, and since several can be in use at once in one process, what tells them apart. */
const NAME = /^[a-z]+-(\d+)(?:-[0-9a-f-]{36})?$/;

/**
 * Makes a directory for one piece of work and returns its path. Its name says which process it belongs to: what processes
 * left behind that are gone is removed first, for nobody else would.
 */
export async function makeTemporaryDirectory(parent: string, kind: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) {
    const [, pid] = NAME.exec(name) ?? [];
    if (!name.startsWith(`${kind}-`) || pid === undefined || isRunning(Number(pid))) continue;
    await rm(join(parent, name), { recursive: true, force: true });
  }
  const directory = join(parent, `${kind}-${process.pid}-${randomUUID()}`);
  await mkdir(directory);
  return directory;
}

/** A process of somebody else's is running, too: only ESRCH says that there is none. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCodeOf(error) !== 'ESRCH';
  }
}
