import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMALLEST_PART } from '@slipway/core/object-store/content-digest';
import { type OssServer, startOss } from '@slipway/sandbox/oss/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const key = { accessKeyId: 'LTAI5tExample', accessKeySecret: 'a-secret-of-many-letters' };
const PARTS = 6;
const main = join(import.meta.dirname, 'main.ts');
let directory: string;
let file: string;
let bytes: Buffer;
let server: OssServer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'resume-'));
  file = join(directory, 'package.tar.gz');
  bytes = randomBytes((PARTS - 1) * SMALLEST_PART + 5000);
  await writeFile(file, bytes);
  await writeFile(join(directory, 'slipway.yaml'), '{}');
  server = await startOss({
    directory: join(directory, 'oss'),
    region: 'cn-hangzhou',
    buckets: ['infra'],
    credentials: [key],
  });
});

afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly log: string; readonly outputs: string }>;
}

/** Runs the action as a process of its own, the way the runner does. */
function start(name = 'run'): Run {
  const outputs = join(directory, `${name}.output`);
  const env = {
    PATH: process.env['PATH'],
    GITHUB_OUTPUT: outputs,
    INPUT_FILE: file,
    INPUT_DESTINATION: 'oss://infra/plugins/package.tar.gz',
    INPUT_REGION: 'oss-cn-hangzhou',
    INPUT_ENDPOINT: server.url,
    INPUT_CONFIG: join(directory, 'slipway.yaml'),
    OSS_ACCESS_KEY_ID: key.accessKeyId,
    OSS_ACCESS_KEY_SECRET: key.accessKeySecret,
  };
  const child = spawn(process.execPath, ['--conditions=@slipway/source', main], { env });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      log += String(chunk);
    });
  }
  const ended = writeFile(outputs, '').then(async () => {
    const [code] = child.exitCode === null ? await once(child, 'close') : [child.exitCode];
    return { code, log, outputs: await readFile(outputs, 'utf8') };
  });
  return { child, ended };
}

/** Stores some parts, then stops the process dead, while others are under way. */
async function killMidway(): Promise<void> {
  // Part 2 is told to wait, and everything that has not begun waits with it.
  server.failNext({
    kind: 'status',
    status: 503,
    method: 'PUT',
    path: /partNumber=2&/,
    headers: { 'retry-after': '300' },
  });
  const { child, ended } = start();
  const done = async (): Promise<boolean> => ((await server.uploads('infra'))[0]?.parts.length ?? 0) >= 3;
  while (!(await done()) && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGKILL');
  expect((await ended).code).toBe(null);
  expect(await server.objects('infra')).toEqual([]);
}

const partsSent = (): string[] =>
  server.requests
    .filter(({ method, status }) => method === 'PUT' && status === 200)
    .flatMap(({ path }) => /partNumber=(\d+)/.exec(path)?.[1] ?? []);

async function expectStored(content: Buffer): Promise<void> {
  const [stored, checksum] = await server.objects('infra');
  expect(stored?.meta['sha256']).toBe(createHash('sha256').update(content).digest('hex'));
  expect((await readFile(stored?.body ?? '')).equals(content)).toBe(true);
  expect(checksum?.key).toBe('plugins/package.tar.gz.sha256');
  expect((await server.uploads('infra')).filter(({ parts }) => parts.length > 0)).toEqual([]);
}

describe('a run after one that was killed', () => {
  it('sends only what is missing', async () => {
    await killMidway();
    const [upload] = await server.uploads('infra');
    const kept = upload?.parts.length ?? 0;
    const before = partsSent().length;
    const { code, log, outputs } = await start('second').ended;
    expect({ code, log }).toMatchObject({ code: 0 });
    expect(log).toContain(`in ${kept} parts are there`);
    expect(outputs).toContain('oss://infra/plugins/package.tar.gz');
    expect(partsSent()).toHaveLength(before + PARTS - kept);
    await expectStored(bytes);
  });

  it('with other content starts anew, and removes what the other left', async () => {
    await killMidway();
    bytes = Buffer.concat([bytes, Buffer.from('more')]);
    await appendFile(file, 'more');
    const before = partsSent().length;
    expect(await start('second').ended).toMatchObject({ code: 0 });
    expect(partsSent()).toHaveLength(before + PARTS);
    await expectStored(bytes);
  });

  it.each([
    ['that is there', 1],
    ['that is not there yet', 2],
  ])('with another part %s ends with the right bytes and the right SHA-256', async (_, part) => {
    await killMidway();
    bytes.fill('x', (part - 1) * SMALLEST_PART, part * SMALLEST_PART);
    await writeFile(file, bytes);
    expect(await start('second').ended).toMatchObject({ code: 0 });
    await expectStored(bytes);
  });
});

it('two runs of the same content end well, with one object', async () => {
  const ends = await Promise.all([start('first').ended, start('second').ended]);
  expect(ends.map(({ code, log }) => (code === 0 ? 'well' : log))).toEqual(['well', 'well']);
  await expectStored(bytes);
});
