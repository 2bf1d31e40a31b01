import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../image/digest.ts';
import { type Content, contentOf, readAll } from '../util/content.ts';
import { isSpoolDamage, openSpool, Spool } from './spool.ts';

const MEBIBYTE = 1024 * 1024;
let directory: string;
let lines: string[];
const log = { info: (line: string) => void lines.push(line), warning: (line: string) => void lines.push(line) };
const kept = (): string => join(directory, 'blobs', 'sha256');

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spool-'));
  lines = [];
});

afterEach(() => rm(directory, { recursive: true, force: true }));

interface Sample {
  readonly digest: string;
  readonly size: number;
  readonly bytes: Buffer;
}

function sample(size: number): Sample {
  const bytes = randomBytes(size);
  return { digest: digestOf(bytes), size, bytes };
}

const fileOf = ({ digest }: Sample): string => join(kept(), digest.slice('sha256:'.length));
const read = ({ size, open }: Content): Promise<Buffer> => readAll(open(), size);
/** Content in small chunks whose memory is used again, as a reader may do that saves memory. */
function chunked({ bytes }: Sample, size = 70_000): Content {
  const memory = Buffer.alloc(size);
  return {
    size: bytes.length,
    async *open() {
      for (let at = 0; at < bytes.length; at += size) yield memory.subarray(0, bytes.copy(memory, 0, at, at + size));
    },
  };
}
/** Reads to the end, chunk by chunk, as a transfer does. */
async function pass(content: Content): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of content.open()) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}
/** Something that must not be read. */
const forbidden = (size: number): Content => ({
  size,
  open: () => {
    throw new Error('the registry was asked');
  },
});
const keep = async (spool: Spool, blob: Sample): Promise<void> => {
  expect(await pass(spool.tee(blob, chunked(blob)))).toBe(blob.digest);
};

describe('a blob', () => {
  it.each([1, MEBIBYTE, 3 * MEBIBYTE + 5, 6 * MEBIBYTE])('of %i bytes is kept while it is read', async (size) => {
    const blob = sample(size);
    const spool = await Spool.open(directory, { log });
    expect(await spool.has(blob.digest)).toBe(false);
    expect(await spool.content(blob)).toBe(undefined);
    await keep(spool, blob);
    expect(await readdir(kept())).toEqual([blob.digest.slice('sha256:'.length)]);
    expect((await readFile(fileOf(blob))).equals(blob.bytes)).toBe(true);

    const later = await Spool.open(directory, { log });
    expect(await later.has(blob.digest)).toBe(true);
    expect((await read(later.prefer(blob, forbidden(size)))).equals(blob.bytes)).toBe(true);
    const content = await later.content(blob);
    expect(content === undefined ? undefined : await pass(content)).toBe(blob.digest);
    expect(lines).toEqual([]);
  });

  it('is readable for its owner only', async () => {
    await mkdir(kept(), { recursive: true, mode: 0o755 });
    const blob = sample(10);
    await keep(await Spool.open(directory, { log }), blob);
    const modes = await Promise.all([join(directory, 'blobs'), kept(), fileOf(blob)].map((path) => stat(path)));
    expect(modes.map(({ mode }) => (mode & 0o777).toString(8))).toEqual(['700', '700', '600']);
  });

  it('that is not read to its end, or cannot be, is not kept', async () => {
    const blob = sample(3 * MEBIBYTE);
    const spool = await Spool.open(directory, { log });
    for await (const chunk of spool.tee(blob, chunked(blob)).open()) if (chunk.length > 0) break;
    const broken: Content = {
      size: blob.size,
      async *open() {
        yield blob.bytes.subarray(0, 2 * MEBIBYTE);
        throw new Error('connection lost');
      },
    };
    await expect(pass(spool.tee(blob, broken))).rejects.toThrow('connection lost');
    expect(await readdir(kept())).toEqual([]);
    await keep(spool, blob);
    expect(await spool.has(blob.digest)).toBe(true);
  });

  it('is copied once when two transfers read it at once', async () => {
    const blob = sample(2 * MEBIBYTE);
    const spool = await Spool.open(directory, { log });
    await Promise.all([keep(spool, blob), keep(spool, blob), keep(spool, blob)]);
    expect(await readdir(kept())).toHaveLength(1);
  });
});

describe('a damaged copy', () => {
  const flip = async (blob: Sample, at: number): Promise<void> => {
    const bytes = Buffer.from(blob.bytes);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    await writeFile(fileOf(blob), bytes);
  };

  it.each([
    ['with another byte', (blob: Sample) => flip(blob, 5)],
    ['that was cut', (blob: Sample) => truncate(fileOf(blob), 100)],
    ['that became longer', (blob: Sample) => writeFile(fileOf(blob), Buffer.concat([blob.bytes, blob.bytes]))],
    [
      'that is a link',
      async (blob: Sample) => {
        await rm(fileOf(blob));
        await symlink('/dev/zero', fileOf(blob));
      },
    ],
  ])('%s is not noticed when it is small', async (_, damage) => {
    const blob = sample(MEBIBYTE);
    const spool = await Spool.open(directory, { log });
    await keep(spool, blob);
    await damage(blob);
    expect((await read(spool.prefer(blob, contentOf(blob.bytes)))).equals(blob.bytes)).toBe(true);
  });

  it('that is large is told, removed, and taken from the registry when it is read again', async () => {
    const blob = sample(6 * MEBIBYTE);
    const spool = await Spool.open(directory, { log });
    await keep(spool, blob);
    await flip(blob, 5 * MEBIBYTE);
    const content = spool.prefer(blob, contentOf(blob.bytes));
    const error: unknown = await pass(content).catch((reason: unknown) => reason);
    expect(isSpoolDamage(error)).toBe(true);
    expect(isSpoolDamage(new Error('other', { cause: error }))).toBe(true);
    expect(isSpoolDamage(new Error('other'))).toBe(false);
    expect(await readdir(kept())).toEqual([]);
    expect(lines.join()).toContain('is damaged, and is removed');
    expect(await pass(content)).toBe(blob.digest);
  });
});

describe('the room', () => {
  it('is kept by removing what was longest not used, and never what this run wants', async () => {
    const [first, second, third, fourth] = [sample(100), sample(100), sample(100), sample(100)];
    const before = await Spool.open(directory, { log, limit: 300 });
    for (const blob of [first, second, third]) await keep(before, blob);
    await utimes(fileOf(second), 1000, 1000);
    await utimes(fileOf(first), 2000, 2000);
    await utimes(fileOf(third), 500, 500);

    const spool = await Spool.open(directory, { log, limit: 300 });
    await pass(spool.prefer(third, forbidden(100)));
    await keep(spool, fourth);
    const there = await Promise.all([first, second, third, fourth].map(({ digest }) => spool.has(digest)));
    expect(there).toEqual([true, false, true, true]);
    await keep(spool, sample(100));
    expect(await spool.has(first.digest)).toBe(false);
    await keep(spool, sample(100));
    expect(await readdir(kept())).toHaveLength(3);
    await keep(spool, sample(301));
    expect(await readdir(kept())).toHaveLength(3);
  });

  it('is not overrun by copies that are made at once', async () => {
    const blobs = Array.from({ length: 6 }, () => sample(MEBIBYTE));
    const spool = await Spool.open(directory, { log, limit: 3.5 * MEBIBYTE });
    await Promise.all(blobs.map((blob) => keep(spool, blob)));
    expect(await readdir(kept())).toHaveLength(3);
  });

  it('does not take away what is being read', async () => {
    const blob = sample(8 * MEBIBYTE);
    await keep(await Spool.open(directory, { log }), blob);
    const reader = (await Spool.open(directory, { log }))
      .prefer(blob, forbidden(blob.size))
      .open()
      [Symbol.asyncIterator]();
    const chunks = [(await reader.next()).value];
    const other = await Spool.open(directory, { log, limit: 8 * MEBIBYTE });
    await keep(other, sample(MEBIBYTE));
    expect(await other.has(blob.digest)).toBe(false);
    for (let step = await reader.next(); step.done !== true; step = await reader.next()) chunks.push(step.value);
    expect(Buffer.concat(chunks.filter((chunk) => chunk !== undefined)).equals(blob.bytes)).toBe(true);
  });

  it('is a part of what is free by default', async () => {
    const spool = await Spool.open(join(directory, 'not', 'there', 'yet'), { log });
    expect(spool.limit).toBeGreaterThan(0);
    expect(spool.limit).toBeLessThanOrEqual(10 * 1024 * MEBIBYTE);
    expect(await readdir(directory)).toEqual([]);
    expect(await openSpool('off', directory, log)).toBe(undefined);
    expect(await openSpool('auto', directory, log)).toBeInstanceOf(Spool);
  });
});

describe('a disk that', () => {
  /** Runs a script in a process of its own, which may write files of `blocks` KiB at the most. */
  function runLimited(script: string, blocks: number): ChildProcessByStdio<null, Readable, null> {
    const limited = `trap '' XFSZ; ulimit -f ${blocks}; exec "$0" "$@"`;
    const args = ['--conditions=@slipway/source', '--input-type=module', '-e', script];
    return spawn('bash', ['-c', limited, process.execPath, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  const script = (size: number, after: string): string => `
    import { createHash, randomBytes } from 'node:crypto';
    import { Spool } from '${join(import.meta.dirname, 'spool.ts')}';
    const bytes = Buffer.alloc(${size}, 'a');
    const digest = 'sha256:' + createHash('sha256').update(bytes).digest('hex');
    const content = { size: bytes.length, async *open() {
      for (let at = 0; at < bytes.length; at += 65536) yield bytes.subarray(at, at + 65536);
    } };
    const log = { info: console.log, warning: console.log };
    const spool = await Spool.open('${directory}', { log });
    const hash = createHash('sha256');
    let read = 0;
    for await (const chunk of spool.tee({ digest, size: bytes.length }, content).open()) {
      hash.update(chunk);
      read += chunk.length;
      ${after}
    }
    console.log(digest === 'sha256:' + hash.digest('hex') ? 'whole' : 'wrong', await spool.has(digest));`;

  it('takes no more bytes costs the copy and not the transfer', async () => {
    const child = runLimited(script(6 * MEBIBYTE, ''), 2048);
    const output = await readAll(child.stdout, 10_000);
    expect(output.toString()).toMatch(/^Blobs are no longer kept in .*\nwhole false\n$/);
    expect(await readdir(kept())).toEqual([]);
  });

  it('cannot be written costs the copies, and is told once', async () => {
    await writeFile(join(directory, 'blobs'), 'a file');
    const spool = await Spool.open(directory, { log }).catch((error: unknown) => error);
    expect(spool).toBeInstanceOf(Error);
    expect(await openSpool('auto', directory, log)).toBe(undefined);
    expect(lines.join()).toContain('Blobs are not kept');
    await rm(join(directory, 'blobs'));
    const late = await Spool.open(directory, { log });
    await writeFile(join(directory, 'blobs'), 'a file');
    lines = [];
    await Promise.all([keep(late, sample(100)), keep(late, sample(100))]);
    expect(lines).toHaveLength(1);
  });

  it('was in use by a run that was killed is swept by the next one', async () => {
    const child = runLimited(
      script(
        6 * MEBIBYTE,
        "if (read > 3e6) { console.log('midway'); await new Promise((end) => setTimeout(end, 1e6)); }",
      ),
      1e6,
    );
    await once(child.stdout, 'data');
    expect(await readdir(kept())).toEqual([expect.stringMatching(/\.partial$/)]);
    await Spool.open(directory, { log });
    expect(await readdir(kept())).toHaveLength(1);
    child.kill('SIGKILL');
    await once(child, 'close');
    await Spool.open(directory, { log });
    expect(await readdir(kept())).toEqual([]);
  });

  it('is shared by two processes holds each blob once', async () => {
    const children = [runLimited(script(6 * MEBIBYTE, ''), 1e6), runLimited(script(6 * MEBIBYTE, ''), 1e6)];
    const outputs = await Promise.all(children.map((child) => readAll(child.stdout, 10_000)));
    expect(outputs.map(String)).toEqual(['whole true\n', 'whole true\n']);
    expect(await readdir(kept())).toHaveLength(1);
  });
});
