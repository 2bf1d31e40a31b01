import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { untar } from './untar.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'untar-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const LONG = `${'d'.repeat(80)}/${'f'.repeat(90)}`;

/** Only newer formats have room for long targets of links. */
const linkTarget = (format: string): string => (format === 'ustar' ? 'big' : LONG);

/** Makes an archive with the real tar. */
function pack(format: string): Buffer {
  mkdirSync(join(directory, 'd'.repeat(80)), { recursive: true });
  writeFileSync(join(directory, 'big'), Buffer.alloc(100_000, 'x'));
  writeFileSync(join(directory, LONG), 'long', { mode: 0o755 });
  writeFileSync(join(directory, 'empty'), '');
  execFileSync('ln', ['-f', linkTarget(format), 'hard'], { cwd: directory });
  execFileSync('ln', ['-sf', 'big', 'soft'], { cwd: directory });
  const members = ['./big', 'd'.repeat(80), 'empty', 'hard', 'soft'];
  return execFileSync('tar', [`--format=${format}`, '-cf', '-', ...members], {
    cwd: directory,
    maxBuffer: 1024 * 1024,
  });
}

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function list(bytes: Buffer, size = 1000) {
  const found: { path: string; kind: string; linkTo: string; mode: number; text: string }[] = [];
  for await (const { path, kind, linkTo, mode, content } of untar(inChunks(bytes, size), 'test')) {
    const text = Buffer.concat(await Array.fromAsync(content)).toString('utf8');
    found.push({ path, kind, linkTo, mode, text });
  }
  return found;
}

describe('untar', () => {
  it.each(['ustar', 'gnu', 'pax'])('reads what the real tar writes, in the format %s', async (format) => {
    expect(await list(pack(format))).toMatchObject([
      { path: 'big', kind: 'file', text: 'x'.repeat(100_000) },
      { path: 'd'.repeat(80), kind: 'directory' },
      { path: LONG, kind: 'file', text: 'long', mode: 0o755 },
      { path: 'empty', kind: 'file', text: '' },
      { path: 'hard', kind: 'hardlink', linkTo: linkTarget(format) },
      { path: 'soft', kind: 'symlink', linkTo: 'big' },
    ]);
  });

  it('passes over what nobody reads', async () => {
    const paths: string[] = [];
    for await (const { path } of untar(inChunks(pack('pax'), 333), 'test')) paths.push(path);
    expect(paths.at(-1)).toBe('soft');
  });

  it('refuses what is damaged or cut', async () => {
    const bytes = pack('pax');
    await expect(list(bytes.subarray(0, 50_000))).rejects.toThrow(/test: .*an early end/);
    const wrong = Buffer.from(bytes);
    wrong[3] = 0x41;
    await expect(list(wrong)).rejects.toThrow(/test: .*checksum is wrong/);
    await expect(list(Buffer.from('no archive at all'))).rejects.toThrow(/an early end/);
  });

  it('reads its source past the end of the archive, where a check of all its bytes may fail', async () => {
    async function* checked(): AsyncGenerator<Buffer> {
      yield* inChunks(pack('pax'), 1000);
      for (let count = 0; count < 40; count += 1) yield Buffer.alloc(1024 * 1024);
      throw new Error('another digest');
    }
    const paths: string[] = [];
    const read = async (): Promise<void> => {
      for await (const { path } of untar(checked(), 'test')) paths.push(path);
    };
    await expect(read()).rejects.toThrow('another digest');
    expect(paths.at(-1)).toBe('soft');
  });

  it('lets go of its source when nobody reads on, and when it is damaged', async () => {
    let open = 0;
    async function* counted(bytes: Buffer): AsyncGenerator<Buffer> {
      open += 1;
      try {
        yield* inChunks(bytes, 1000);
      } finally {
        open -= 1;
      }
    }
    for await (const { path } of untar(counted(pack('pax')), 'test')) if (path !== '') break;
    const wrong = Buffer.from(pack('pax'));
    wrong[3] = 0x41;
    await expect(Array.fromAsync(untar(counted(wrong), 'test'))).rejects.toThrow(/checksum/);
    expect(open).toBe(0);
  });
});
