import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BranchStore } from './branch-store.ts';
import { treeOf } from './foreign-packages.ts';
import { gitEnvironment } from './git-command.ts';
import { GitObjects } from './git-objects.ts';
import { listPackageUnits, listPackageVersions } from './package-files.ts';

let directory: string;
let repository: string;

/** Not to be deflated away. */
const NOISE = randomBytes(150_000).toString('hex');

const FILES: Readonly<Record<string, string>> = {
  Dockerfile: 'FROM x\n',
  'packages/log/1.0.0/manifest.yml': 'name: log\n',
  'packages/log/v2/manifest.yml': 'name: log\n',
  'packages/tcp/1.0.0/a "quoted" näme': NOISE,
  'packages/tcp/1.0.0/empty': '',
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'branch-store-'));
  repository = join(directory, 'repository');
  git('init', '--quiet', repository);
  for (const [path, content] of Object.entries(FILES)) {
    execFileSync('mkdir', ['-p', join(repository, path, '..')]);
    writeFileSync(join(repository, path), content);
  }
  git('-C', repository, 'add', '--all');
  git('-C', repository, '-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '--quiet', '-m', 'files');
  git('-C', repository, 'config', 'uploadpack.allowFilter', 'true');
  // As GitHub does, which takes `tree:0` alone.
  git('-C', repository, 'config', 'uploadpackfilter.tree.maxDepth', '0');
  git('-C', repository, 'config', 'uploadpackfilter.combine.allow', 'false');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function git(...args: string[]): string {
  const env = { ...process.env, GIT_COMMITTER_DATE: '1700000000 +0100', GIT_CONFIG_GLOBAL: '/dev/null' };
  return execFileSync('git', args, { encoding: 'utf8', env, stdio: 'pipe' }).trim();
}

function addCommit(name: string): string {
  writeFileSync(join(repository, name), name);
  git('-C', repository, 'add', '--all');
  git('-C', repository, '-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '--quiet', '-m', name);
  return git('-C', repository, 'rev-parse', 'HEAD');
}

function packsOf(kind: string): string[] {
  const [store = ''] = readdirSync(join(directory, 'work/git'));
  const packs = join(directory, 'work/git', store, kind, 'objects/pack');
  return readdirSync(packs).flatMap((name) => (name.endsWith('.pack') ? [join(packs, name)] : []));
}

function open(url = `file://${repository}`): BranchStore {
  return new BranchStore({ url, token: undefined, directory: join(directory, 'work'), env: process.env });
}

describe('a branch store', () => {
  it('reads a commit without a checkout, and does not fetch it twice', async () => {
    const commit = git('-C', repository, 'rev-parse', 'HEAD');
    const branch = await open().openCommit(commit);
    expect(branch.time).toBe(1_700_000_000);
    const files = await branch.listFiles(['']);
    expect(files.map(({ path }) => path)).toEqual(Object.keys(FILES));
    const read = await Promise.all(files.map(({ id, path }) => branch.blobs.read(id, path)));
    expect(read.map(String)).toEqual(Object.values(FILES));
    await branch.blobs.close();
    rmSync(repository, { recursive: true });
    const again = await open().openCommit(commit);
    expect(await again.listFiles([''])).toEqual(files);
    await again.blobs.close();
  });

  it('fetches the package versions that are asked for, and no others', async () => {
    const branch = await open().openCommit(git('-C', repository, 'rev-parse', 'HEAD'));
    expect(branch.tree.files.map(({ path }) => path)).toEqual(['Dockerfile']);
    const units = listPackageUnits(branch.tree);
    expect(units.map(({ path }) => path)).toEqual(['log/1.0.0', 'log/v2', 'tcp/1.0.0']);
    const log = units.slice(0, 2);
    await branch.load(log);
    const files = await branch.listPackages(log);
    expect(files.map(({ path, mode }) => [path, mode])).toEqual([
      ['packages/log/1.0.0/manifest.yml', '100644'],
      ['packages/log/v2/manifest.yml', '100644'],
    ]);
    const [manifest] = log;
    expect(manifest && String(await branch.readPackageFile(manifest, 'manifest.yml'))).toBe('name: log\n');
    expect(manifest && (await branch.readPackageFile(manifest, 'none'))).toBeUndefined();
    await branch.blobs.close();
    expect(packsOf('objects').map((path) => statSync(path).size < 1000)).toEqual([true]);
  });

  it('reads files that lie deeper than package versions', async () => {
    mkdirSync(join(repository, 'own/a/b/c'), { recursive: true });
    for (const path of ['own/x', 'own/a/x', 'own/a/b/x', 'own/a/b/c/x']) writeFileSync(join(repository, path), path);
    const branch = await open().openCommit(addCommit('next'));
    const contentOf = async (...paths: string[]) => {
      const files = await branch.listFiles(paths);
      return Promise.all(files.map(async ({ id, path }) => [path, String(await branch.blobs.read(id, path))]));
    };
    expect(await contentOf('own/a/b/c')).toEqual([['own/a/b/c/x', 'own/a/b/c/x']]);
    expect(await contentOf('own/a/b/c/x')).toEqual([['own/a/b/c/x', 'own/a/b/c/x']]);
    const all = ['own/a/b/c/x', 'own/a/b/x', 'own/a/x', 'own/x'];
    expect((await contentOf('own')).sort()).toEqual(all.map((path) => [path, path]));
    await branch.blobs.close();
  });

  it('gives the ids that git gives, for files that no branch holds', async () => {
    const branch = await open().openCommit(git('-C', repository, 'rev-parse', 'HEAD'));
    expect(treeOf(await branch.listFiles([''])).directories).toEqual(branch.tree.directories);
    await branch.blobs.close();
  });

  it('reads directories without fetching files', async () => {
    const commit = git('-C', repository, 'rev-parse', 'HEAD');
    const directories = await open().readDirectories(commit);
    const tree = git('-C', repository, 'rev-parse', 'HEAD:packages/log/1.0.0');
    expect(listPackageVersions(directories)).toEqual({
      versions: [
        { name: 'log', version: '1.0.0', tree },
        { name: 'tcp', version: '1.0.0', tree: directories.get('packages/tcp/1.0.0') },
      ],
      skipped: ['packages/log/v2'],
    });
    const [store = ''] = readdirSync(join(directory, 'work/git'));
    const kept = join(directory, 'work/git', store, 'outline');
    const blob = git('-C', repository, 'rev-parse', 'HEAD:packages/log/1.0.0/manifest.yml');
    const objects = git('--git-dir', kept, 'cat-file', '--batch-check', '--batch-all-objects');
    expect(objects).toContain(git('-C', repository, 'rev-parse', 'HEAD:packages/log'));
    expect(objects).not.toContain(tree);
    expect(objects).not.toContain(blob);
  });

  it('fetches several commits at once into one directory, and sends only what is new', async () => {
    const readAll = async (commit: string) => {
      const branch = await open().openCommit(commit);
      const files = (await branch.listFiles([''])).map(({ id, path }) => branch.blobs.read(id, path));
      const { length } = await Promise.all(files);
      await branch.blobs.close();
      return length;
    };
    const count = Object.keys(FILES).length;
    expect(await readAll(git('-C', repository, 'rev-parse', 'HEAD'))).toBe(count);
    const commits = ['a', 'b', 'c', 'd'].map((name) => addCommit(`packages/tcp/1.0.0/${name}`));
    expect(await Promise.all(commits.map(readAll))).toEqual([1, 2, 3, 4].map((more) => count + more));
    expect(packsOf('outline')).toHaveLength(5);
    // What a package version shares with others is sent again: it comes whole, and the next build asks for other ones.
    expect(packsOf('objects').filter((path) => statSync(path).size > 100_000)).toHaveLength(5);
    const before = packsOf('objects').length;
    expect(await readAll(addCommit('own'))).toBe(count + 5);
    expect(packsOf('objects')).toHaveLength(before);
  });

  it('asks as GitHub allows it: for a directory by its id, whose files are named and not sent', async () => {
    const commit = git('-C', repository, 'rev-parse', 'HEAD');
    git('init', '--quiet', '--bare', join(directory, 'other'));
    const fetch = ['--git-dir', join(directory, 'other'), 'fetch', '--quiet', '--depth=1'];
    expect(() => git(...fetch, '--filter=tree:3', `file://${repository}`, commit)).toThrow(/max depth 0/);
    expect(() => git(...fetch, '--filter=combine:tree:0+blob:none', `file://${repository}`, commit)).toThrow(/combine/);
    mkdirSync(join(repository, 'packages/log/1.0.0/deep'));
    writeFileSync(join(repository, 'packages/log/1.0.0/deep/x'), 'moved up');
    await (await open().openCommit(addCommit('deep'))).blobs.close();
    // What one commit has deep down and the next one above.
    git('-C', repository, 'mv', 'packages/log/1.0.0/deep/x', 'own');
    const branch = await open().openCommit(addCommit('up'));
    const files = await branch.listFiles(['own', 'deep', 'up']);
    const contents = await Promise.all(files.map(({ id, path }) => branch.blobs.read(id, path)));
    expect(contents.map(String)).toEqual(['deep', 'moved up', 'up']);
    await branch.blobs.close();
  });

  it('finds the head of a branch, and not of one whose name ends as its own', async () => {
    const head = git('-C', repository, 'rev-parse', 'HEAD');
    git('-C', repository, 'branch', '-m', 'main');
    git('-C', repository, 'branch', 'a/refs/heads/main', addCommit('next'));
    git('-C', repository, 'update-ref', 'refs/heads/main', head);
    expect(await open().findHead('main')).toBe(head);
    expect(await open().findHead('heads/main')).toBeUndefined();
  });

  it('is not held up by what a killed process left', async () => {
    await (await open().openCommit(git('-C', repository, 'rev-parse', 'HEAD'))).blobs.close();
    const [store = ''] = readdirSync(join(directory, 'work/git'));
    const root = join(directory, 'work/git', store);
    for (const lock of ['shallow.lock', 'config.lock']) writeFileSync(join(root, 'outline', lock), '');
    const left = join(root, 'fetch-4194999-5fbc2e4e-8bd1-4c1c-9a3f-2d8a4c3c0f11');
    mkdirSync(join(left, 'objects'), { recursive: true });
    utimesSync(left, 0, 0);
    const branch = await open().openCommit(addCommit('next'));
    expect(branch.tree.files.map(({ path }) => path)).toContain('next');
    await branch.blobs.close();
    expect(readdirSync(root)).toEqual(['outline']);
  });

  it('says which commit is not there', async () => {
    await expect(open().openCommit('0'.repeat(39).concat('1'))).rejects.toThrow(/in this repository|Run again/);
    // A label of an image may say anything.
    for (const word of ['main', '--upload-pack=touch x', '../x', '']) {
      await expect(open().openCommit(word)).rejects.toMatchObject({ code: 'missing-commit' });
    }
  });

  it('names the file whose object the server cannot read', async () => {
    const commit = git('-C', repository, 'rev-parse', 'HEAD');
    const id = git('-C', repository, 'rev-parse', 'HEAD:packages/log/1.0.0/manifest.yml');
    rmSync(join(repository, '.git/objects', id.slice(0, 2), id.slice(2)));
    const branch = await open().openCommit(commit);
    await expect(branch.load(listPackageUnits(branch.tree))).rejects.toThrow(
      new RegExp(`packages/log/(1\\.0\\.0|v2)/manifest\\.yml cannot be read: its git object ${id}`),
    );
    await branch.blobs.close();
  });

  it('names the file whose object is damaged here, and goes on failing clearly', async () => {
    const id = git('-C', repository, 'rev-parse', 'HEAD:Dockerfile');
    const path = join(repository, '.git/objects', id.slice(0, 2), id.slice(2));
    rmSync(path);
    const missing = new GitObjects(join(repository, '.git'), gitEnvironment(process.env));
    await expect(missing.read(id, 'Dockerfile')).rejects.toThrow(/^Dockerfile cannot be read: .* \(it is missing\)/);
    await missing.close();
    writeFileSync(path, 'garbage');
    const damaged = new GitObjects(join(repository, '.git'), gitEnvironment(process.env));
    await expect(damaged.read(id, 'Dockerfile')).rejects.toThrow(/^Dockerfile cannot be read: its git object/);
    await damaged.close();
  });
});
