import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MIXED } from './cargo.ts';
import { expectClean, expectHealed } from './trial.ts';
import { useCargo } from './use-cargo.ts';

const open = useCargo(MIXED);

/** Namespaces of one's own let one mount a small disk that nobody else sees; without root, where the system allows it. */
const NAMESPACES = [
  ['unshare', '--mount'],
  ['unshare', '--user', '--map-root-user', '--mount'],
].find(
  ([command = '', ...args]) => spawnSync(command, [...args, 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0,
);

/** Runs what follows with a disk of 20 MiB at the first argument, and writes down, at the second, what is left on it. */
const SMALL_DISK = `
  const { execFileSync, spawnSync } = require('node:child_process');
  const { mkdirSync, readdirSync, writeFileSync } = require('node:fs');
  const [directory, left, command, ...args] = process.argv.slice(1);
  mkdirSync(directory, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', directory]);
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  writeFileSync(left, readdirSync(directory, { recursive: true }).join('\\n'));
  process.exit(status);
`;

function onSmallDisk(directory: string, left: string): string[] {
  return [...(NAMESPACES ?? []), process.execPath, '-e', SMALL_DISK, directory, left];
}

describe.concurrent('a disk that is full', () => {
  it.skipIf(NAMESPACES === undefined)(
    'leaves no part of a package, and says how much is needed (skipped where no disk can be mounted)',
    async () => {
      await using place = await open();
      const left = join(place.directory, 'left');
      const end = await place.run('bundle', { launcher: onSmallDisk(place.output, left) });
      expect(end.code, end.log).toBe(1);
      expect(await readFile(left, 'utf8')).toBe('');
      expect(end.errors.join('\n')).toMatch(/No space left for .*acme-web-v1\.0\.0\.tar\.gz, which needs .*free space/);
      await expectClean(place, 'bundle', end, false);
      await expectHealed(place, 'bundle');
    },
  );

  it.skipIf(NAMESPACES === undefined)(
    'keeps no blobs, and stops no sync (skipped where no disk can be mounted)',
    async () => {
      await using place = await open();
      const left = join(place.directory, 'left');
      const work = join(place.temp('first'), 'slipway');
      const inputs = { images: JSON.stringify(place.cargo.handedOver), 'work-directory': work };
      const end = await place.run('sync', { inputs, launcher: onSmallDisk(work, left) });
      expect(end.code, end.log).toBe(0);
      expect(await readFile(left, 'utf8')).not.toContain('.partial');
      await expectClean(place, 'sync', end, true);
    },
  );

  it.skipIf(spawnSync('prlimit').status !== 0)(
    'or a limit of the size of files is told of, and leaves nothing',
    async () => {
      await using place = await open();
      const end = await place.run('bundle', { launcher: ['prlimit', '--fsize=10000000'] });
      expect(end.code, end.log).toBe(1);
      expect(end.errors.join('\n')).toContain(place.output);
      await expectClean(place, 'bundle', end, false);
      await expectHealed(place, 'bundle');
    },
  );
});
