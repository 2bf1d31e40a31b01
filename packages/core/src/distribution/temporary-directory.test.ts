import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeTemporaryDirectory } from './temporary-directory.ts';

let parent: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'temporary-directory-'));
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

/** Larger than any process id. */
const NOBODY = 4_194_999;
const UUID = '5fbc2e4e-8bd1-4c1c-9a3f-2d8a4c3c0f11';

function leave(name: string, isOld = false): string {
  const path = join(parent, name);
  mkdirSync(join(path, 'inside'), { recursive: true });
  if (isOld) utimesSync(path, 0, 0);
  return path;
}

it('removes what processes of the same place left behind, and keeps what is in use', async () => {
  const own = await makeTemporaryDirectory(parent, 'build');
  const [, place = ''] = /-([0-9a-f]{12})-/.exec(own) ?? [];
  const gone = leave(`build-${NOBODY}-${place}-${UUID}`);
  const running = leave(`build-${process.ppid}-${place}-${UUID}`, true);
  await makeTemporaryDirectory(parent, 'build');
  expect([gone, own, running].map(existsSync)).toEqual([false, true, true]);
});

it('keeps for a day what another place may be using, where processes have other ids', async () => {
  const elsewhere = leave(`build-${NOBODY}-0123456789ab-${UUID}`);
  const unknown = leave(`build-${NOBODY}`);
  const old = leave(`build-${process.pid}-0123456789ab-${UUID}`, true);
  const another = leave(`fetch-${NOBODY}-0123456789ab-${UUID}`, true);
  await makeTemporaryDirectory(parent, 'build');
  expect([elsewhere, unknown, old, another].map(existsSync)).toEqual([true, true, false, true]);
});
