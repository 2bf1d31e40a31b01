import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesSource, fileSource, isUnchanged, partSizeFor, SMALLEST_PART } from './content-digest.ts';
import { Crc64 } from './crc64.ts';

const crc64 = (bytes: Buffer): string => String(new Crc64().update(bytes).digest());
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'digest-'));
});

afterAll(() => rm(directory, { recursive: true }));

describe('fileSource', () => {
  it.each([0, 1, SMALLEST_PART, SMALLEST_PART + 1, 2 * SMALLEST_PART + 12_345])(
    'digests %i bytes once',
    async (size) => {
      const bytes = randomBytes(size);
      const path = join(directory, String(size));
      await writeFile(path, bytes);
      const { digest, parts, open } = await fileSource(path);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      expect(digest).toEqual({ size, sha256, crc64: crc64(bytes) });
      expect(parts).toHaveLength(Math.max(1, Math.ceil(size / SMALLEST_PART)));
      expect(parts.at(-1)?.end).toBe(size);
      for (const { start, end, crc64: sum } of parts) {
        expect(sum).toBe(crc64(bytes.subarray(start, end)));
        if (size > 0)
          expect(Buffer.concat(await Array.fromAsync(open(start, end))).equals(bytes.subarray(start, end))).toBe(true);
      }
      expect((await bytesSource(bytes)).digest).toEqual(digest);
    },
  );

  it('says which file is not there', async () => {
    await expect(fileSource(join(directory, 'absent'))).rejects.toThrow(/Cannot read .*absent: ENOENT/);
    await expect(fileSource(directory)).rejects.toThrow(/it is no file/);
  });

  it('says that the file is gone or shorter than it was, when it is read again', async () => {
    const path = join(directory, 'changing');
    await writeFile(path, randomBytes(3000));
    const { open, parts } = await fileSource(path);
    const [part] = parts;
    if (part === undefined) throw new Error('no part');
    expect(await isUnchanged({ open }, part)).toBe(true);
    await writeFile(path, randomBytes(3000));
    expect(await isUnchanged({ open }, part)).toBe(false);

    await truncate(path, 1000);
    const short = Array.fromAsync(open(500, 3000));
    await expect(short).rejects.toMatchObject({ name: 'ActionError', code: 'file-changed' });
    await expect(short).rejects.toThrow(/changing ends at 1000 bytes/);

    const unread = open(0, 3000);
    await rm(path);
    await expect(Array.fromAsync(unread)).rejects.toMatchObject({ code: 'file-changed' });
  });
});

it('makes at most 1,000 parts of at least 8 MiB', () => {
  for (const gibibytes of [0.001, 1, 7.9, 8, 100, 1000]) {
    const size = Math.floor(gibibytes * 1024 ** 3);
    expect(partSizeFor(size)).toBeGreaterThanOrEqual(SMALLEST_PART);
    expect(Math.ceil(size / partSizeFor(size))).toBeLessThanOrEqual(1000);
  }
});
