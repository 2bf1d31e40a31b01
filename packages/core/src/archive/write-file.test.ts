import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { contentOf, sha256 } from '../util/content.ts';
import { writeContent } from './write-file.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'write-file-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

it.each([0, 1, 1024 * 1024, 3 * 1024 * 1024 + 3])('writes %d bytes and returns their hash', async (size) => {
  const bytes = randomBytes(size);
  const path = join(directory, 'new', 'package');
  expect(await writeContent(path, contentOf(bytes))).toBe(sha256(bytes));
  expect((await readFile(path)).equals(bytes)).toBe(true);
});

it('leaves nothing when what is written cannot be read to its end', async () => {
  const open = async function* () {
    yield randomBytes(3 * 1024 * 1024);
    throw new Error('the source is gone');
  };
  await expect(writeContent(join(directory, 'package'), { size: 4 * 1024 * 1024, open })).rejects.toThrow(
    'the source is gone',
  );
  expect(await readdir(directory)).toEqual([]);
});
