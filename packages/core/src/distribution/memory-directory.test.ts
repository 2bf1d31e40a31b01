import { mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isPlainMemory, makeMemoryDirectory, shareMemory } from './memory-directory.ts';

/** https://man7.org/linux/man-pages/man2/statfs.2.html */
const TMPFS = 0x01021994;

describe('a directory in memory', () => {
  let disk: string;
  beforeEach(async () => {
    disk = await mkdtemp(`${tmpdir()}/memory-`);
  });
  afterEach(() => rm(disk, { recursive: true }));

  it('is in memory where it is made at all, and leaves nothing', async () => {
    const memory = await makeMemoryDirectory(join(disk, 'packages'));
    if (memory === undefined) return expect(await readdir(disk)).toEqual([]);
    expect((await statfs(memory.path)).type).toBe(TMPFS);
    expect(memory.limit).toBeGreaterThan(0);
    await writeFile(join(memory.path, 'file'), 'content');
    await memory.remove();
    expect(await readdir(disk)).toEqual([]);
    await expect(readdir(memory.path)).rejects.toThrow(/ENOENT/);
  });

  it('is not made of shared memory that is on a disk, or nowhere', async () => {
    expect(await shareMemory(disk)).toBeUndefined();
    expect(await shareMemory('/there/is/no/such/place')).toBeUndefined();
  });

  it.each([
    ['tmpfs /dev/shm tmpfs rw,nosuid,nodev 0 0', true],
    ['tmpfs /dev/shm tmpfs rw,nosuid,nodev,noexec 0 0', false],
    ['tmpfs /dev/shm tmpfs ro 0 0', false],
    ['/dev/sda1 /dev/shm ext4 rw 0 0', false],
    ['tmpfs /dev/shm/below tmpfs rw 0 0', false],
    ['/dev/sda1 /dev/shm ext4 rw 0 0\ntmpfs /dev/shm tmpfs rw 0 0', true],
  ])('is made of shared memory only where programs may run: %s', (mounts, isWanted) => {
    expect(isPlainMemory(mounts, '/dev/shm')).toBe(isWanted);
  });
});
