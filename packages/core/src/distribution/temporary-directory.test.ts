import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findMounts, makeTemporaryDirectory } from './temporary-directory.ts';

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

it('finds what is mounted below a directory, the last first', () => {
  const table = [
    '22 1 0:21 / /runner/build rw - tmpfs tmpfs rw',
    '23 22 0:22 / /runner/build/a\\040b rw shared:1 - tmpfs tmpfs rw',
    '24 23 0:23 / /runner/build/a\\040b/proc rw - proc proc rw',
    '25 22 0:24 / /runner/builder rw - tmpfs tmpfs rw',
    '',
  ].join('\n');
  expect(findMounts(table, '/runner/build')).toEqual(['/runner/build/a b/proc', '/runner/build/a b']);
});

const isRoot = process.getuid?.() === 0;

/** Mounts and unmounts in a namespace of its own, where that is allowed. */
function canUnshare(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

it.skipIf(!isRoot || !canUnshare())('unmounts what a killed build has left, and takes nothing from there', () => {
  const own = join(parent, 'own');
  mkdirSync(own);
  const script = [
    "import { makeTemporaryDirectory } from '@slipway/core/distribution/temporary-directory';",
    "import { execFileSync } from 'node:child_process';",
    "import { existsSync, mkdirSync, renameSync } from 'node:fs';",
    'const [, parent, own] = process.argv;',
    "const first = await makeTemporaryDirectory(parent, 'build');",
    `const left = first.replace(/build-\\d+-/, 'build-${NOBODY}-');`,
    'renameSync(first, left);',
    'mkdirSync(`${left}/mounted`);',
    "execFileSync('mount', ['--bind', own, `${left}/mounted`]);",
    'mkdirSync(`${own}/kept`);',
    "await makeTemporaryDirectory(parent, 'build');",
    'console.log(existsSync(left), existsSync(`${own}/kept`));',
  ].join('\n');
  const node = [process.execPath, '--conditions=@slipway/source', '--input-type=module', '--eval', script];
  const said = execFileSync('unshare', ['--mount', ...node, parent, own], {
    encoding: 'utf8',
    cwd: import.meta.dirname,
  });
  expect(said.trim()).toBe('false true');
});

it.skipIf(!isRoot)('goes on where something that was left cannot be removed', async () => {
  const own = await makeTemporaryDirectory(parent, 'build');
  const [, place = ''] = /-([0-9a-f]{12})-/.exec(own) ?? [];
  const left = leave(`build-${NOBODY}-${place}-${UUID}`);
  // Nobody may remove what is in a directory that only grows.
  try {
    execFileSync('chattr', ['+a', left], { stdio: 'ignore' });
  } catch {
    return;
  }
  try {
    await makeTemporaryDirectory(parent, 'build');
    expect(existsSync(left)).toBe(true);
  } finally {
    execFileSync('chattr', ['-a', left]);
  }
});
