import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, realpath, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemCodeOf } from '../errors.ts';
import { sha256 } from '../util/content.ts';

/** `<kind>-<pid>-<place>-<what tells those of one process apart>`; older ones have no place. */
const NAME = /^[a-z]+-(\d+)(?:-([0-9a-f]{12}))?(?:-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?$/;

const execute = promisify(execFile);

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
    if (isLeft) await removeTemporaryDirectory(path);
  }
  const directory = join(parent, `${kind}-${process.pid}-${here}-${randomUUID()}`);
  await mkdir(directory);
  return directory;
}

/**
 * Removes such a directory; what cannot be removed stays and is tried again by the next build, for it must not keep anybody
 * from building. What a builder that was killed has left mounted in it is unmounted first, where that is allowed.
 */
export async function removeTemporaryDirectory(path: string): Promise<void> {
  try {
    // What is mounted may be another's: nothing is removed through it.
    if (await unmountBelow(path)) await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
  }
}

/**
 * Unmounts what is mounted below a directory, the deepest first, and says whether nothing is any more; lazily, for nobody
 * waits for what still uses it.
 */
async function unmountBelow(path: string): Promise<boolean> {
  const points = await readMounts(path);
  if (process.getuid?.() !== 0 || points.length === 0) return points.length === 0;
  for (const point of points) await execute('umount', ['-l', '--', point]).catch(() => undefined);
  return (await readMounts(path)).length === 0;
}

async function readMounts(path: string): Promise<string[]> {
  const place = await realpath(path).catch(() => path);
  return findMounts(await readFile('/proc/self/mountinfo', 'utf8').catch(() => ''), place);
}

/**
 * Returns the places of a table of mounts that are below a directory, the last mounted first.
 *
 * https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
 */
export function findMounts(table: string, directory: string): string[] {
  return table
    .split('\n')
    .map((line) => (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, code) => readOctal(String(code))))
    .filter((point) => point.startsWith(`${directory}/`))
    .reverse();
}

function readOctal(code: string): string {
  return String.fromCharCode(Number.parseInt(code, 8));
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
