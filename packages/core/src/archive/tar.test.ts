import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Content, contentOf } from '../util/content.ts';
import { storedGzip } from './stored-gzip.ts';
import { tar } from './tar.ts';
import { untar } from './untar.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tar-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function bytesOf(content: Content): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(content.open()));
}

/** The same bytes, cut into chunks of `size`. */
function inChunks(bytes: Buffer, size: number): Content {
  return {
    size: bytes.length,
    async *open() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    },
  };
}

describe('tar', () => {
  it('makes what the real tar unpacks, long and wide names too', async () => {
    const names = ['short.txt', `${'d'.repeat(60)}/${'f'.repeat(80)}.txt`, `持续部署/${'长'.repeat(40)}.yaml`, 'empty'];
    const archive = tar([
      { directory: 'some/directory' },
      ...names.map((name) => ({ name, content: contentOf(name === 'empty' ? '' : `content of ${name}`) })),
    ]);
    const bytes = await bytesOf(archive);
    expect(bytes.length).toBe(archive.size);
    writeFileSync(join(directory, 'a.tar'), bytes);
    const output = execFileSync('tar', ['xvf', 'a.tar'], {
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(output.split('\n')).toHaveLength(names.length + 2);
    for (const name of names.slice(0, 3)) {
      expect(readFileSync(join(directory, name), 'utf8')).toBe(`content of ${name}`);
    }
    expect(readFileSync(join(directory, 'empty')).length).toBe(0);
  });

  it('makes links and programs that the real tar unpacks, however long their names are', async () => {
    const target = `${'d'.repeat(80)}/${'t'.repeat(60)}`;
    const deep = `${'d'.repeat(80)}/${'x'.repeat(60)}`;
    const archive = tar(
      [
        { directory: deep },
        { name: target, content: contentOf('shared'), mode: 0o755 },
        { name: `${deep}/long`, linkTo: target, mode: 0o755 },
        { name: 'short', linkTo: target, mode: 0o755 },
      ],
      { mtime: 0 },
    );
    const bytes = await bytesOf(archive);
    expect(bytes.length).toBe(archive.size);
    writeFileSync(join(directory, 'a.tar'), bytes);
    execFileSync('tar', ['xf', 'a.tar'], { cwd: directory, stdio: 'pipe' });
    const stats = [target, `${deep}/long`, 'short'].map((name) => statSync(join(directory, name)));
    expect(new Set(stats.map(({ ino }) => ino)).size).toBe(1);
    expect(stats[0]).toMatchObject({ nlink: 3, mtimeMs: 0, size: 6 });
    expect((stats[0]?.mode ?? 0) & 0o777).toBe(0o755);
    expect(statSync(join(directory, deep)).isDirectory()).toBe(true);
  });

  it('says sizes over 8 GiB in an extended header that the real tar reads', async () => {
    const size = 9 * 1024 ** 3;
    const opened = tar([{ name: 'huge', content: { size, open: () => contentOf('').open() } }]).open();
    const head: Buffer[] = [];
    await expect(
      (async () => {
        for await (const chunk of opened) head.push(chunk);
      })(),
    ).rejects.toThrow(RangeError);
    writeFileSync(join(directory, 'a.tar'), Buffer.concat(head));
    const listing = execFileSync('sh', ['-c', 'tar tvf a.tar 2>/dev/null || true'], {
      cwd: directory,
      encoding: 'utf8',
    });
    expect(listing).toContain(String(size));
  });

  it('keeps what a directory is allowed and to whom it belongs, however large the numbers', async () => {
    const attributes = [
      { mode: 0o1777, uid: 7, gid: 8 },
      { mode: 0o700, uid: 2_097_152, gid: 4_000_000_000 },
    ];
    const archive = tar(attributes.map((each, index) => ({ directory: `d${index}`, attributes: each })));
    const entries = await Array.fromAsync(untar(archive.open(), 'test'), ({ kind, path, mode, uid, gid }) => ({
      kind,
      path,
      mode,
      uid,
      gid,
    }));
    expect(entries).toEqual(attributes.map((each, index) => ({ kind: 'directory', path: `d${index}`, ...each })));
  });

  it('refuses content that is not as long as it said', async () => {
    const short: Content = { size: 10, open: () => contentOf('123').open() };
    await expect(bytesOf(tar([{ name: 'short', content: short }]))).rejects.toThrow(
      /short should have 10 bytes and has 3/,
    );
    const long: Content = { size: 2, open: () => contentOf('123').open() };
    await expect(bytesOf(tar([{ name: 'long', content: long }]))).rejects.toThrow(/has more/);
  });
});

describe('storedGzip', () => {
  it.each([0, 1, 65_534, 65_535, 65_536, 200_000])('frames %i bytes so that zlib gives them back', async (size) => {
    const bytes = Buffer.from(Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8)) & 0xff));
    const framed = storedGzip(contentOf(bytes));
    const out = await bytesOf(framed);
    expect(out.length).toBe(framed.size);
    expect(gunzipSync(out).equals(bytes)).toBe(true);
  });

  it('depends on the bytes alone, not on how they arrive', async () => {
    const bytes = Buffer.alloc(150_000, 'slipway');
    const whole = await bytesOf(storedGzip(contentOf(bytes)));
    for (const size of [512, 4097, 65_535, 65_536]) {
      expect((await bytesOf(storedGzip(inChunks(bytes, size)))).equals(whole)).toBe(true);
    }
  });

  it('refuses content that is not as long as it said', async () => {
    await expect(bytesOf(storedGzip({ size: 5, open: () => contentOf('123').open() }))).rejects.toThrow(/2 bytes less/);
    await expect(bytesOf(storedGzip({ size: 2, open: () => contentOf('123').open() }))).rejects.toThrow(/more than/);
  });
});
