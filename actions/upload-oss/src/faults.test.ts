import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, truncateSync, unlinkSync, writeSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { SMALLEST_PART } from '@slipway/core/object-store/content-digest';
import { type OssServer, startOss } from '@slipway/sandbox/oss/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs as definitions } from './inputs.ts';
import { type Outputs, run } from './run.ts';

const key = { accessKeyId: 'LTAI5tExample', accessKeySecret: 'a-secret-of-many-letters' };
let directory: string;
let file: string;
let server: OssServer;
let log: string[];
/** Called with each line of the log, at the moment it is written. */
let onLine: (line: string) => void;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faults-'));
  file = join(directory, 'package.tar.gz');
  log = [];
  onLine = () => undefined;
  await writeFile(join(directory, 'slipway.yaml'), '{}');
  server = await startOss({ directory, region: 'cn-hangzhou', buckets: ['infra'], credentials: [key] });
});

afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

async function store(bytes: Buffer): Promise<Outputs> {
  await writeFile(file, bytes);
  const info = (line: string): void => {
    log.push(line);
    onLine(line);
  };
  const inputs = inputsFrom(definitions, {
    file,
    destination: 'oss://infra/plugins/',
    region: 'cn-hangzhou',
    endpoint: server.url,
    config: join(directory, 'slipway.yaml'),
    'access-key-id': key.accessKeyId,
    'access-key-secret': key.accessKeySecret,
  });
  return run(inputs, { ...recordRuntime(), log: { info, warning: info } });
}

const sent = (method: string, path = /./): number =>
  server.requests.filter((request) => request.method === method && path.test(request.path)).length;

async function expectStored(bytes: Buffer): Promise<void> {
  const [stored, checksum] = await server.objects('infra');
  expect(stored?.meta['sha256']).toBe(createHash('sha256').update(bytes).digest('hex'));
  expect((await readFile(stored?.body ?? '')).equals(bytes)).toBe(true);
  expect(checksum?.key).toBe('plugins/package.tar.gz.sha256');
}

function overwriteBytes(file: string, at: number): void {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Buffer.from('changed'), 0, 7, at);
  closeSync(descriptor);
}

describe('a fault', () => {
  const large = 2 * SMALLEST_PART + 1000;

  it('of parts costs the parts only', async () => {
    const bytes = randomBytes(large);
    server.failNext({ kind: 'reset', method: 'PUT', path: /partNumber=1&/ });
    server.failNext({ kind: 'status', status: 500, method: 'PUT', path: /partNumber=2&/ });
    server.failNext({
      kind: 'status',
      status: 503,
      method: 'PUT',
      path: /partNumber=2&/,
      headers: { 'retry-after': '0' },
    });
    server.failNext({ kind: 'lose-reply', method: 'PUT', path: /partNumber=3&/ });
    await store(bytes);
    await expectStored(bytes);
    expect(sent('POST', /uploads/)).toBe(1);
    expect(sent('PUT', /partNumber=/)).toBe(7);
    expect(log.filter((line) => line.startsWith('Trying again'))).toHaveLength(4);
  });

  it.each(['lose-reply', 'corrupt', 'reset', 'truncate'] as const)('%s while completing is healed', async (kind) => {
    const bytes = randomBytes(large);
    server.failNext({ kind, method: 'POST', path: /uploadId=/ });
    const outputs = await store(bytes);
    expect(outputs.changed).toBe(true);
    await expectStored(bytes);
    expect(sent('PUT', /partNumber=/)).toBe(3);
    expect(sent('POST', /uploadId=/)).toBe(2);
  });

  it.each(['lose-reply', 'corrupt', 'reset'] as const)('%s while beginning and listing is healed', async (kind) => {
    const bytes = randomBytes(large);
    server.failNext({ kind, method: 'GET', path: /uploads/ });
    server.failNext({ kind, method: 'POST', path: /uploads/ });
    await store(bytes);
    await expectStored(bytes);
  });

  it.each(['lose-reply', 'reset'] as const)('%s of a small object is healed', async (kind) => {
    const bytes = randomBytes(1000);
    for (const method of ['HEAD', 'PUT']) server.failNext({ kind, method, times: 2 });
    await store(bytes);
    await expectStored(bytes);
  });

  it.each([
    ['unlinked', unlinkSync],
    ['cut', (file: string) => truncateSync(file, SMALLEST_PART)],
    ['written to', (file: string) => overwriteBytes(file, SMALLEST_PART + 3)],
  ])('of a file that is %s during the upload is told at once, and not as one of the network', async (_, change) => {
    server.failNext({ kind: 'status', status: 503, method: 'POST', path: /uploads/ });
    onLine = (line) => {
      if (line.includes('begin the upload')) change(file);
    };
    await expect(store(randomBytes(large))).rejects.toMatchObject({
      name: 'ActionError',
      code: 'file-changed',
    });
    expect(sent('PUT', /partNumber=2&/)).toBeLessThanOrEqual(1);
    expect(log.filter((line) => line.startsWith('Trying again'))).toHaveLength(1);
    expect([await server.uploads('infra'), await server.objects('infra')]).toEqual([[], []]);
  });

  it('of a part that is damaged on its way is healed', async () => {
    const bytes = randomBytes(large);
    const headers = { etag: '"0"', 'x-oss-hash-crc64ecma': '1' };
    server.failNext({ kind: 'status', status: 200, method: 'PUT', path: /partNumber=2&/, headers });
    await store(bytes);
    await expectStored(bytes);
    expect(log.join('\n')).toMatch(/CRC64 1 in OSS .*damaged on its way/);
  });

  it('of looking the object up does not hide why it could not be written', async () => {
    server.failNext({ kind: 'status', status: 503, method: 'PUT' });
    onLine = () => {
      server.failNext({
        kind: 'status',
        status: 400,
        method: 'PUT',
        body: '<Error><Code>InvalidArgument</Code></Error>',
      });
      server.failNext({ kind: 'status', status: 403, method: 'HEAD' });
      onLine = () => undefined;
    };
    await expect(store(randomBytes(100))).rejects.toThrow(/cannot upload .*400 InvalidArgument/);
    expect(sent('HEAD')).toBe(3);
  });

  it('of an object that has vanished says so', async () => {
    server.failNext({ kind: 'status', status: 503, method: 'PUT' });
    onLine = () => {
      server.failNext({ kind: 'status', status: 404, method: 'HEAD' });
      onLine = () => undefined;
    };
    const error = store(randomBytes(100));
    await expect(error).rejects.toMatchObject({ code: 'object-damaged' });
    await expect(error).rejects.toThrow(/now OSS has nothing there/);
  });

  it('of an answer without a size is healed', async () => {
    const bytes = randomBytes(100);
    server.failNext({ kind: 'status', status: 200, method: 'HEAD' });
    await store(bytes);
    await expectStored(bytes);
    expect(log.join('\n')).toMatch(/cannot look up .*the answer lacks what it should tell/);
  });

  it('that lasts tells the reason, and keeps the parts for the next run', async () => {
    const bytes = randomBytes(large);
    const body =
      '<Error><Code>AccessDenied</Code><Message>No right &amp; no way.</Message><EC>0003-00000001</EC></Error>';
    server.failNext({ kind: 'status', status: 403, method: 'PUT', path: /partNumber=3&/, body });
    await expect(store(bytes)).rejects.toThrow(
      /cannot upload part 3 of oss:\/\/infra\S+: 403 AccessDenied - No right & no way.*EC 0003-00000001.*oss:PutObject/,
    );
    const [kept] = await server.uploads('infra');
    expect(kept?.parts.map(({ number }) => number)).toEqual([1, 2]);
    // The first two are of the plan; a key that may not write is not asked to look again.
    expect(sent('HEAD')).toBe(2);
    await store(bytes);
    await expectStored(bytes);
    expect(sent('PUT', /partNumber=/)).toBe(4);
  });

  it('of a key that may not list costs only what was there', async () => {
    const bytes = randomBytes(large);
    const body = '<Error><Code>AccessDenied</Code></Error>';
    server.failNext({ kind: 'status', status: 403, method: 'GET', path: /uploads/, body });
    await store(bytes);
    await expectStored(bytes);
    expect(log.join('\n')).toContain('oss:ListMultipartUploads');
  });
});
