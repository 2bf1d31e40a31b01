import { lstat, mkdir, readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../errors.ts';
import { makeTemporaryDirectory } from './temporary-directory.ts';

/** Where Linux keeps files in memory. https://man7.org/linux/man-pages/man7/shm_overview.7.html */
const SHARED_MEMORY = '/dev/shm';

/** Half of the memory that is left may be used, for others need some too. */
const SHARE = 2;

/** A directory whose files are in memory. */
export interface MemoryDirectory {
  readonly path: string;
  /** Bytes that may be put there. */
  readonly limit: number;
}

/**
 * Makes a directory in memory, for a hundred thousand files that live for seconds: a disk takes several times as long.
 * Undefined where the machine has no such place. Whoever made it removes it with `removeTemporaryDirectory`; what a process
 * that was killed has left is removed first.
 */
export async function makeMemoryDirectory(kind: string, place = SHARED_MEMORY): Promise<MemoryDirectory | undefined> {
  try {
    if (!isPlainMemory(await readFile('/proc/self/mounts', 'utf8'), place)) return undefined;
    const { bavail, bsize } = await statfs(place);
    // Everybody may write there: what others have put in the way is not used.
    const user = process.getuid?.() ?? 0;
    const own = join(place, `slipway-${user}`);
    await mkdir(own, { recursive: true, mode: 0o700 });
    const found = await lstat(own);
    if (!found.isDirectory() || found.uid !== user || (found.mode & 0o077) !== 0) return undefined;
    const path = await makeTemporaryDirectory(own, kind);
    return { path, limit: Math.min(process.availableMemory() / SHARE, bavail * bsize) };
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
