import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageFiles, StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { gitBlobId } from '../github/git-object.ts';
import { Checkout } from './checkout.ts';

let fixture: StorageFixture;
let work: string;
let commit: string;

beforeEach(async () => {
  fixture = await StorageFixture.start();
  work = await mkdtemp(join(tmpdir(), 'checkout-'));
  await fixture.commit('main', { old: '1' });
  commit = await fixture.commit('main', { 'a.txt': 'a\n', 'b/c.txt': 'c\n', ...packageFiles('foo', '1.2.3') });
});

afterEach(async () => {
  await fixture.close();
  await rm(work, { recursive: true, force: true });
});

function open(token: string | undefined): Promise<Checkout> {
  const remote = { url: `${fixture.github.serverUrl}/${fixture.repository}.git`, token };
  return Checkout.open(work, { PATH: process.env['PATH'], HOME: work }, remote, commit, 'packages');
}

it('holds one commit without its history, and of the packages not even the content', async () => {
  const checkout = await open('sandbox-token');
  const git = (...parameters: string[]) =>
    execFileSync('git', parameters, {
      cwd: checkout.directory,
      encoding: 'utf8',
      env: { ...process.env, GIT_NO_LAZY_FETCH: '1' },
    });
  expect((await readdir(checkout.directory)).sort()).toEqual(['.git', 'a.txt', 'b', 'old']);
  expect(git('rev-list', '--count', 'HEAD').trim()).toBe('1');
  const missing = git('rev-list', '--objects', '--missing=print', 'HEAD').match(/^\?/gm);
  expect(missing).toHaveLength(3);
  expect(await readFile(join(checkout.directory, '.git/config'), 'utf8')).not.toMatch(/token|authorization/i);
  await checkout.remove();
  expect(existsSync(checkout.directory)).toBe(false);
});

it('says what tools have changed, and nothing about what was left out', async () => {
  const checkout = await open(undefined);
  await checkout.run('git', 'mv', 'a.txt', 'moved.txt');
  await writeFile(join(checkout.directory, 'b/c.txt'), 'changed\n');
  await writeFile(join(checkout.directory, 'b/run'), '#!/bin/sh\n', { mode: 0o755 });
  const changes = await checkout.changes();
  const id = (text: string): string => gitBlobId(Buffer.from(text));
  expect(changes).toEqual([
    { path: 'a.txt', blob: null },
    { path: 'b/c.txt', blob: { id: id('changed\n'), mode: '100644' } },
    { path: 'b/run', blob: { id: id('#!/bin/sh\n'), mode: '100755' } },
    { path: 'moved.txt', blob: { id: id('a\n'), mode: '100644' } },
  ]);
  expect((await checkout.read(id('changed\n'))).toString()).toBe('changed\n');
  await checkout.remove();
});

it('leaves nothing behind when it cannot be made, and does not tell the token', async () => {
  const secret = Buffer.from('x-access-token:wrong').toString('base64');
  const failure: unknown = await open('wrong').catch((error: unknown) => error);
  expect(String(failure)).toContain('git fetch');
  expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain(secret);
  expect(await readdir(work)).toEqual([]);
});
