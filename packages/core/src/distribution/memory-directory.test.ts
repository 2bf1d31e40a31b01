import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { isPlainMemory, makeMemoryDirectory } from './memory-directory.ts';

describe('a directory in memory', () => {
  it('is not made where files are on a disk, or nowhere', async () => {
    const disk = await mkdtemp(`${tmpdir()}/memory-`);
    await chmod(disk, 0o777);
    expect(await makeMemoryDirectory('checks', disk)).toBeUndefined();
    expect(await makeMemoryDirectory('checks', '/there/is/no/such/place')).toBeUndefined();
    await rm(disk, { recursive: true });
  });

  it.each([
    ['tmpfs /dev/shm tmpfs rw,nosuid,nodev 0 0', true],
    ['tmpfs /dev/shm tmpfs rw,nosuid,nodev,noexec 0 0', false],
    ['tmpfs /dev/shm tmpfs ro 0 0', false],
    ['/dev/sda1 /dev/shm ext4 rw 0 0', false],
    ['tmpfs /dev/shm/below tmpfs rw 0 0', false],
    ['/dev/sda1 /dev/shm ext4 rw 0 0\ntmpfs /dev/shm tmpfs rw 0 0', true],
  ])('is made only where programs may run: %s', (mounts, isWanted) => {
    expect(isPlainMemory(mounts, '/dev/shm')).toBe(isWanted);
  });
});
