import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemCodeOf } from '../errors.ts';
import { sha256 } from '../util/content.ts';

/** `<kind>-<pid>-<place>-<what tells those of one process apart>`; older ones have no place. */
const NAME = /^[a-z]+-(\d+)(?:-([0-9a-f]{12}))?(?:-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?$/;

/** Milliseconds after which no piece of work is under way any more. */
const LONGEST_WORK = 24 * 3600 * 1000;

/**
 * Makes a directory for one piece of work and returns its path. Its name says which process it belongs to: what processes
 * left behind that are gone is removed first, for nobody else would. Of processes of another place, such as another
 * container that shares the parent, nobody here knows whether they run; what they left is removed after a day.
 */
export async function makeTemporaryDirectory(parent: string, kind: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  const here = await namePlace();
  for (const name of await readdir(parent)) {
    const [, pid, place] = NAME.exec(name) ?? [];
    if (!name.startsWith(`${kind}-`) || pid === undefined) continue;
    const path = join(parent, name);
    const isLeft = place === here ? !isRunning(Number(pid)) : await isOlderThan(path, LONGEST_WORK);
    if (isLeft) await rm(path, { recursive: true, force: true });
  }
  const directory = join(parent, `${kind}-${process.pid}-${here}-${randomUUID()}`);
  await mkdir(directory);
  return directory;
}

/**
 * Returns a name for where process ids mean the same processes: one machine from one start to the next, and in it one
 * namespace of process ids.
 *
 * https://man7.org/linux/man-pages/man7/pid_namespaces.7.html
 */
async function namePlace(): Promise<string> {
  const parts = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ]);
  return sha256([hostname(), ...parts].join('\n')).slice(0, 12);
}

async function isOlderThan(path: string, age: number): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > age;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
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
