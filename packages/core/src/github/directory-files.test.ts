import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ConfigurationError } from '../errors.ts';
import { DirectoryFiles } from './directory-files.ts';
import { gitBlobId } from './git-object.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'directory-files-'));
});

afterEach(() => rm(root, { recursive: true, force: true }));

it('lists everything below a directory with the modes and ids that git gives', async () => {
  await mkdir(join(root, 'plugins/old'), { recursive: true });
  await writeFile(join(root, 'plugins/b.yaml'), 'hello\n');
  await writeFile(join(root, 'plugins/run'), '', { mode: 0o755 });
  await writeFile(join(root, 'plugins/old/a.yaml'), '');
  await symlink('b.yaml', join(root, 'plugins/c.yaml'));
  const files = new DirectoryFiles(root);
  const empty = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391';
  expect(await files.list('plugins')).toEqual([
    { path: 'plugins/b.yaml', mode: '100644', size: 6, id: 'ce013625030ba8dba906f756967f9e9ca394464a' },
    { path: 'plugins/c.yaml', mode: '120000', size: 6, id: gitBlobId(Buffer.from('b.yaml')) },
    { path: 'plugins/old/a.yaml', mode: '100644', size: 0, id: empty },
    { path: 'plugins/run', mode: '100755', size: 0, id: empty },
  ]);
  expect((await files.find('plugins/b.yaml'))?.toString()).toBe('hello\n');
  expect(await files.find('plugins')).toBeUndefined();
  expect(await files.find('absent/file')).toBeUndefined();
});

it('follows no symlink', async () => {
  await mkdir(join(root, 'outside'));
  await mkdir(join(root, 'checkout'));
  await writeFile(join(root, 'outside/secret.yaml'), 'secret');
  await symlink('../outside', join(root, 'checkout/plugins'));
  await symlink('../outside/secret.yaml', join(root, 'checkout/link.yaml'));
  const files = new DirectoryFiles(join(root, 'checkout'));
  expect(await files.find('link.yaml')).toBeUndefined();
  expect(await files.find('plugins/secret.yaml')).toBeUndefined();
  const link = { path: 'link.yaml', mode: '100644', size: 6, id: '' } as const;
  await expect(files.read(link)).rejects.toThrow(/ELOOP/);
});

it('says what is there instead of the directory', async () => {
  await mkdir(join(root, 'real'));
  await symlink('real', join(root, 'link'));
  await writeFile(join(root, 'file'), '');
  const files = new DirectoryFiles(root);
  expect(await files.list('real')).toEqual([]);
  for (const [name, reason] of [
    ['absent', 'nothing of that name'],
    ['absent/below', 'nothing of that name'],
    ['file', 'that is a file'],
    ['file/below', 'nothing of that name'],
    ['link', 'a symlink is on the way'],
  ] as const) {
    const failure = await files.list(name).catch((error: unknown) => error);
    expect.soft(failure, name).toBeInstanceOf(ConfigurationError);
    expect.soft(failure, name).toMatchObject({ message: expect.stringContaining(reason) });
  }
  await mkdir(join(root, 'real/below'));
  await expect(files.list('link/below')).rejects.toThrow(/a symlink is on the way/);
});

it('lists what git cannot hold, and names that are no text', async () => {
  await mkdir(join(root, 'plugins'));
  await promisify(execFile)('mkfifo', [join(root, 'plugins/pipe.yaml')]);
  const name = Buffer.concat([Buffer.from(join(root, 'plugins/')), Buffer.from([0xff]), Buffer.from('.yaml')]);
  await writeFile(name, 'hello\n');
  expect(await new DirectoryFiles(root).list('plugins')).toEqual([
    { path: 'plugins/pipe.yaml', mode: 'special', size: 0, id: '' },
    { path: 'plugins/\uFFFD.yaml', mode: '100644', size: 6, id: 'ce013625030ba8dba906f756967f9e9ca394464a' },
  ]);
});

it('says when there is no directory, and does not read what is too large', async () => {
  await expect(new DirectoryFiles(join(root, 'absent')).list('x')).rejects.toThrow(/input 'directory'/);
  await writeFile(join(root, 'large'), Buffer.alloc(1024 * 1024 + 1));
  await expect(new DirectoryFiles(root).find('large')).rejects.toThrow(/1 MiB/);
});
