import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TarEntry } from '../archive/tar.ts';
import { contentOf, fileContent } from '../util/content.ts';
import { blobFile, writeLayer } from './layer-blob.ts';
import { type PackedPackages, UnpackedPackages } from './unpacked-packages.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'unpack-'));
});
afterEach(async () => {
  await unpacked.remove();
  await rm(directory, { recursive: true, force: true });
});

const file = (name: string, text: string, mode: 0o644 | 0o755 = 0o644): TarEntry => ({
  name,
  content: contentOf(text),
  mode,
});

async function pack(distribution: string, entries: readonly TarEntry[]): Promise<PackedPackages> {
  const blobs = join(directory, 'blobs');
  const { descriptor } = await writeLayer(entries, blobs);
  return { distribution, descriptor, content: await fileContent(blobFile(blobs, descriptor.digest)) };
}

let unpacked: UnpackedPackages;

function unpack(...layers: PackedPackages[]): Promise<ReadonlyMap<string, string>> {
  unpacked = new UnpackedPackages(join(directory, 'unpacked'));
  for (const layer of layers) unpacked.add(layer);
  return unpacked.unpack();
}

it('makes directories, files with their modes, and links, distribution by distribution', async () => {
  const recent = await pack('production', [
    { directory: 'packages', attributes: undefined },
    { directory: 'packages/production', attributes: undefined },
    { directory: 'packages/production/log', attributes: undefined },
    file('packages/production/log/run.sh', '#!/bin/sh', 0o755),
    { name: 'packages/production/log/same.sh', linkTo: 'packages/production/log/run.sh', mode: 0o755 },
  ]);
  const base = await pack('production', [
    { directory: 'packages/production/log', attributes: undefined },
    file('packages/production/log/a', 'a'),
  ]);
  const other = await pack('staging', [file('packages/staging/b', 'b')]);
  const directories = await unpack(base, recent, other);
  const production = directories.get('production') ?? '';
  expect((await readdir(production, { recursive: true })).sort()).toEqual([
    'log',
    'log/a',
    'log/run.sh',
    'log/same.sh',
  ]);
  const [script, link] = await Promise.all(['run.sh', 'same.sh'].map((name) => stat(join(production, 'log', name))));
  expect(script?.mode.toString(8)).toBe('100755');
  expect(link?.ino).toBe(script?.ino);
  expect(await readFile(join(directories.get('staging') ?? '', 'b'), 'utf8')).toBe('b');
  await unpacked.remove();
  await expect(readdir(production)).rejects.toThrow(/ENOENT/);
});

it.each<[string, TarEntry]>([
  ['a file elsewhere', file('etc/passwd', 'root')],
  ['a file of another distribution', file('packages/staging/a', 'a')],
  ['a way out', file('packages/production/../../../out', 'a')],
  ['a link to elsewhere', { name: 'packages/production/a', linkTo: 'packages/production/../../../blobs', mode: 0o644 }],
  ['what removes a file of another layer', file('packages/production/.wh.log', '')],
  ['a file without its directory', file('packages/production/log/a', 'a')],
])('refuses %s', async (_, entry) => {
  await expect(unpack(await pack('production', [entry]))).rejects.toMatchObject({
    code: 'invalid-image',
    message: expect.stringMatching(
      /said to hold packages of 'production' only, and holds .*Remove that image/,
    ) as string,
  });
});

it('refuses a file that two layers hold', async () => {
  const layers = [await pack('production', [file('packages/production/a', 'a')])];
  layers.push(await pack('production', [file('packages/production/a', 'b')]));
  await expect(unpack(...layers)).rejects.toThrow(/holds packages\/production\/a, which another layer holds too/);
});

it('leaves memory for the disk where the files do not fit', async () => {
  const memory = join(directory, 'memory');
  await mkdir(memory);
  const remove = () => rm(memory, { recursive: true });
  unpacked = new UnpackedPackages(join(directory, 'unpacked'), async () => ({ path: memory, limit: 30_000, remove }));
  unpacked.add(await pack('production', [file('packages/production/a', 'a')]));
  for (let index = 0; index < 9; index += 1) {
    unpacked.add(await pack('production', [file(`packages/production/${index}`, 'b')]));
  }
  const place = (await unpacked.unpack()).get('production') ?? '';
  expect(place).toBe(join(directory, 'unpacked/disk/production'));
  expect(await readdir(place)).toHaveLength(10);
  await expect(readdir(memory)).rejects.toThrow(/ENOENT/);
});
