import { execFile } from 'node:child_process';
import { lstat, mkdir, readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemCodeOf } from '../errors.ts';
import { makeTemporaryDirectory, removeTemporaryDirectory } from './temporary-directory.ts';

/** Where Linux keeps files in memory. https://man7.org/linux/man-pages/man7/shm_overview.7.html */
const SHARED_MEMORY = '/dev/shm';

/** Half of the memory that is left may be used, for others need some too. */
const SHARE = 2;

const execute = promisify(execFile);

/** A directory whose files are in memory. */
export interface MemoryDirectory {
  readonly path: string;
  /** Bytes that may be put there. */
  readonly limit: number;
  remove(): Promise<void>;
}

/**
 * Makes a directory in memory, for a hundred thousand files that live for seconds: a disk takes several times as long.
 * Undefined where the machine has no such place.
 *
 * Root mounts one below `directory`, which must not exist: the shared one is visible to what buildah runs without a
 * container of its own. Others share theirs. What a process that was killed has left goes with its build's directory in the
 * one case, and with the next call in the other.
 */
export function makeMemoryDirectory(directory: string): Promise<MemoryDirectory | undefined> {
  return process.getuid?.() === 0 ? mountMemory(directory) : shareMemory();
}

async function mountMemory(directory: string): Promise<MemoryDirectory | undefined> {
  const limit = Math.floor(process.availableMemory() / SHARE);
  const path = join(directory, 'memory');
  const remove = () => removeTemporaryDirectory(directory);
  await mkdir(path, { recursive: true });
  try {
    const options = `size=${limit},mode=0700,nosuid,nodev`;
    await execute('mount', ['-t', 'tmpfs', '-o', options, 'slipway', path]);
    return { path, limit, remove };
  } catch {
    // Many containers forbid it.
    await remove();
    return undefined;
  }
}

/** Makes a directory in the memory that all processes share, with `place` for where that is. */
export async function shareMemory(place = SHARED_MEMORY): Promise<MemoryDirectory | undefined> {
  try {
    if (!isPlainMemory(await readFile('/proc/self/mounts', 'utf8'), place)) return undefined;
    const { bavail, bsize } = await statfs(place);
    // Everybody may write there: what others have put in the way is not used.
    const user = process.getuid?.() ?? 0;
    const own = join(place, `slipway-${user}`);
    await mkdir(own, { recursive: true, mode: 0o700 });
    const found = await lstat(own);
    if (!found.isDirectory() || found.uid !== user || (found.mode & 0o077) !== 0) return undefined;
    const path = await makeTemporaryDirectory(own, 'packages');
    const limit = Math.min(process.availableMemory() / SHARE, bavail * bsize);
    return { path, limit, remove: () => removeTemporaryDirectory(path) };
  } catch (error) {
    // The disk is always there.
    if (systemCodeOf(error) === undefined) throw error;
    return undefined;
  }
}

/** Says whether files of a place are kept in memory, and may be programs like on any disk. */
export function isPlainMemory(mounts: string, place: string): boolean {
  const lines = mounts.split('\n').map((line) => line.split(' '));
  const [, , type, options = ''] = lines.findLast(([, point]) => point === place) ?? [];
  return type === 'tmpfs' && !options.split(',').some((option) => option === 'noexec' || option === 'ro');
}
