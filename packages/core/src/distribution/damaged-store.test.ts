import { execFileSync } from 'node:child_process';
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BranchStore } from './branch-store.ts';
import { findCopiedFiles } from './copied-files.ts';
import { packageEntries } from './layer-entries.ts';
import { planLayers } from './layer-plan.ts';
import { listPackageUnits } from './package-files.ts';
import { planPackages } from './package-plan.ts';

let directory: string;
let repository: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'damaged-store-'));
  repository = join(directory, 'repository');
  git('init', '--quiet', repository);
  git('-C', repository, 'config', 'uploadpack.allowFilter', 'true');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function git(...args: string[]): string {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' };
  return execFileSync('git', args, { encoding: 'utf8', env, stdio: 'pipe' }).trim();
}

/** Commits files; names are bytes. */
function commit(...files: readonly (readonly [path: string | Buffer, content: string])[]): string {
  for (const [path, content] of files) {
    const whole = Buffer.concat([Buffer.from(`${repository}/`), Buffer.from(path)]);
    mkdirSync(Buffer.from(dirname(whole.toString('latin1')), 'latin1'), { recursive: true });
    writeFileSync(whole, content);
  }
  git('-C', repository, 'add', '--all');
  git('-C', repository, '-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '--quiet', '-m', 'files');
  return git('-C', repository, 'rev-parse', 'HEAD');
}

function open(): BranchStore {
  const url = `file://${repository}`;
  return new BranchStore({ url, token: undefined, directory: join(directory, 'work'), env: process.env });
}

/** Changes everything but the ends of the packs that are kept, so that nothing in them can be inflated. */
function damagePacks(kind: string, from = 12): void {
  const packs = globSync(`work/git/*/${kind}/objects/pack/*.pack`, { cwd: directory });
  expect(packs).not.toEqual([]);
  for (const pack of packs) {
    const path = join(directory, pack);
    const bytes = readFileSync(path);
    for (let at = from; at < bytes.length - 20; at += 1) bytes[at] = (bytes[at] ?? 0) ^ 0x55;
    chmodSync(path, 0o644);
    writeFileSync(path, bytes);
  }
}

function removePacks(kind: string): void {
  const packs = globSync(join(directory, `work/git/*/${kind}/objects/pack/*.pack`));
  expect(packs).not.toEqual([]);
  for (const pack of packs) rmSync(pack);
}

async function readAll(head: string): Promise<string[]> {
  const branch = await open().openCommit(head);
  try {
    const files = (await branch.listFiles([''])).map(({ id, path }) => branch.blobs.read(id, path));
    return (await Promise.all(files)).map(String);
  } finally {
    await branch.blobs.close();
  }
}

describe('a kept repository that is damaged', () => {
  const DEEP = 'packages/log/1.0.0/manifest.yml';

  it.each([
    ['the commit', 'outline', (): void => damagePacks('outline')],
    ['the packs', 'outline', (): void => removePacks('outline')],
    ['package versions', 'objects', (): void => damagePacks('objects')],
    ['the packs of package versions', 'objects', (): void => removePacks('objects')],
  ])('is fetched once more: %s', async (_, kind, damage) => {
    const head = commit(['a', 'one'], ['b/c', 'two'], [DEEP, 'three']);
    expect(await readAll(head)).toEqual(['one', 'two', 'three']);
    damage();
    expect(await readAll(head)).toEqual(['one', 'two', 'three']);
    expect(globSync(`work/git/*/${kind}/objects/pack/*.pack`, { cwd: directory })).toHaveLength(1);
    const kept = globSync('work/git/*/*', { cwd: directory }).map((path) => path.split('/').at(-1));
    expect(kept.sort()).toEqual(['objects', 'outline']);
  });

  it('is fetched once more when a file turns out to be damaged while many are read', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `packages/log/1.0.0/file-${index}`);
    const head = commit(...names.map((name) => [name, `content of ${name}`] as const));
    const branch = await open().openCommit(head);
    const files = await branch.listFiles(['packages']);
    // The tree comes first in a pack.
    const [pack = ''] = globSync('work/git/*/objects/objects/pack/*.idx', { cwd: directory });
    const store = join(directory, pack, '../../..');
    const listing = git('--git-dir', store, 'verify-pack', '-v', join(directory, pack));
    const blobs = [...listing.matchAll(/^\w+ blob +\d+ \d+ (\d+)/gm)].map(([, offset]) => Number(offset));
    damagePacks('objects', Math.min(...blobs) + 2);
    const read = await Promise.all(files.map(({ id, path }) => branch.blobs.read(id, path)));
    expect(read.map(String).sort()).toEqual(names.map((name) => `content of ${name}`).sort());
    await branch.blobs.close();
  });

  it('does not keep the next commit from being fetched', async () => {
    expect(await readAll(commit(['a', 'one']))).toEqual(['one']);
    damagePacks('outline');
    expect(await readAll(commit(['b', 'two']))).toEqual(['one', 'two']);
  });

  it('is fetched once more for the ids of directories', async () => {
    const head = commit(['a/b', 'one']);
    const directories = await open().readDirectories(head);
    damagePacks('outline');
    expect(await open().readDirectories(head)).toEqual(directories);
  });

  it('is an error that names the file when the server has no better one', async () => {
    const head = commit(['a', 'one'], ['b', 'two']);
    const branch = await open().openCommit(head);
    const missing = '1'.repeat(40);
    await expect(branch.blobs.read(missing, 'c')).rejects.toThrow(/^c cannot be read: .*missing/);
    await expect(branch.blobs.read(missing, 'c')).rejects.toThrow(/^c cannot be read/);
    expect(await Promise.all(branch.tree.files.map(({ id, path }) => branch.blobs.read(id, path)))).toHaveLength(2);
    await branch.blobs.close();
  });
});

describe('a branch store', () => {
  it('finds the head of a branch', async () => {
    const head = commit(['a', 'one']);
    git('-C', repository, 'branch', 'other/name', head);
    git('-C', repository, 'branch', 'staging', head);
    git('-C', repository, 'checkout', '--quiet', 'staging');
    const next = commit(['b', 'two']);
    expect(await open().findHead('staging')).toBe(next);
    expect(await open().findHead('name')).toBeUndefined();
    rmSync(repository, { recursive: true });
    await expect(open().findHead('staging')).rejects.toThrow(/git cannot fetch the head of 'staging'/);
  });

  it('lets nobody pack names that are not UTF-8, for two of them would become one', async () => {
    const name = (byte: number) => Buffer.concat([Buffer.from('packages/log/1.0.0/n'), Buffer.from([byte])]);
    const branch = await open().openCommit(commit([name(0xe9), 'one'], [name(0xe8), 'two'], ['doc/ünïcode', 'three']));
    const [planned] = planLayers('production', planPackages(undefined, listPackageUnits(branch.tree), 1));
    const pack = () => Array.fromAsync(planned === undefined ? [] : packageEntries(planned, branch));
    await expect(pack()).rejects.toThrow(/^packages\/log\/1\.0\.0\/n\ufffd: its name is not UTF-8/);
    const copy = (source: string) =>
      findCopiedFiles(branch, { sources: [source], target: { path: '/x', isDirectory: true } }, 'Dockerfile:1');
    await expect(copy('packages')).rejects.toThrow(/^Dockerfile:1: packages\/log\/1\.0\.0\/n\ufffd: its name is not/);
    expect(await copy('doc')).toHaveLength(1);
    await branch.blobs.close();
  });
});
