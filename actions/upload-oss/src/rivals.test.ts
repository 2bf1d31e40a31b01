import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesSource, SMALLEST_PART } from '@slipway/core/object-store/content-digest';
import { MultipartUpload } from '@slipway/core/object-store/multipart-upload';
import { OssBucket } from '@slipway/core/object-store/oss-bucket';
import { resolveOssEndpoint } from '@slipway/core/object-store/oss-endpoint';
import { applyUpload, type PlannedUpload, planUpload } from '@slipway/core/object-store/upload';
import { Progress } from '@slipway/core/util/progress';
import { type OssServer, startOss } from '@slipway/sandbox/oss/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const key = { accessKeyId: 'LTAI5tExample', accessKeySecret: 'a-secret-of-many-letters' };
const KEY = 'plugins/package.tar.gz';
const DENIED = '<Error><Code>AccessDenied</Code></Error>';
const log = { info: () => undefined, warning: (line: string) => void warnings.push(line) };
let warnings: string[];
let directory: string;
let server: OssServer;
let bucket: OssBucket;
/** Two contents of three parts, of which the first two are the same. */
let ours: Buffer;
let theirs: Buffer;

beforeEach(async () => {
  warnings = [];
  directory = await mkdtemp(join(tmpdir(), 'rivals-'));
  server = await startOss({ directory, region: 'cn-hangzhou', buckets: ['infra'], credentials: [key] });
  const settings = { region: 'cn-hangzhou', endpoint: server.url, secure: true };
  bucket = new OssBucket('infra', resolveOssEndpoint('infra', settings), { ...key, securityToken: undefined }, log);
  const common = randomBytes(2 * SMALLEST_PART);
  ours = Buffer.concat([common, randomBytes(1000)]);
  theirs = Buffer.concat([common, randomBytes(1000)]);
});

afterEach(async () => {
  await bucket.close();
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

async function store(bytes: Buffer, overwrite = false): Promise<PlannedUpload['result']> {
  const source = await bytesSource(bytes);
  const planned = planUpload(bucket, KEY, await bucket.head(KEY), source.digest, overwrite);
  const progress = new Progress(KEY, bytes.length, log);
  try {
    await applyUpload(bucket, planned, source, { log, progress });
  } finally {
    progress.stop();
  }
  return planned.result;
}

/** Leaves an unfinished upload, of which the last part is missing. */
async function begin(bytes: Buffer, overwrite = false): Promise<void> {
  server.failNext({ kind: 'status', status: 403, method: 'PUT', path: /partNumber=3&/, body: DENIED });
  await expect(store(bytes, overwrite)).rejects.toMatchObject({ code: 'unauthorized' });
  expect((await server.uploads('infra'))[0]?.parts.map(({ number }) => number)).toEqual([1, 2]);
}

async function label(): Promise<string | undefined> {
  return (await server.objects('infra'))[0]?.meta['sha256'];
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function expectStored(bytes: Buffer): Promise<void> {
  const [stored] = await server.objects('infra');
  expect(await label()).toBe(sha256(bytes));
  expect((await readFile(stored?.body ?? '')).equals(bytes)).toBe(true);
}

describe('an upload that was begun for other content with the same first parts', () => {
  it.each([false, true])('gives no object with its SHA-256, with overwrite %j', async (overwrite) => {
    if (overwrite) await store(randomBytes(10));
    await begin(theirs, overwrite);
    expect(await store(ours, overwrite)).toBe(overwrite ? 'overwrite' : 'upload');
    await expectStored(ours);
    expect(warnings.join()).toContain('begun for other content');
    expect(await server.uploads('infra')).toEqual([]);
  });

  it('is told from the object by a later run, when the one that completed it was stopped', async () => {
    await begin(theirs);
    server.failNext({ kind: 'status', status: 403, method: 'POST', path: /uploads/, body: DENIED });
    await expect(store(ours)).rejects.toMatchObject({ code: 'unauthorized' });
    expect(await label()).toBe(sha256(theirs));

    expect(await store(ours)).toBe('relabel');
    await expectStored(ours);
    expect(await store(ours)).toBe('unchanged');
  });
});

describe('an upload that somebody else has ended', () => {
  it.each([
    ['NoSuchUpload', 404],
    ['InvalidPart', 400],
  ])('with %s is begun anew, after a look at the object', async (code, status) => {
    const body = `<Error><Code>${code}</Code></Error>`;
    server.failNext({ kind: 'status', status, method: 'POST', path: /uploadId=/, body });
    await store(ours);
    await expectStored(ours);
    const operations = server.requests.map(({ method, path }) => `${method}${/uploads/.exec(path)?.[0] ?? ''}`);
    const completions = [operations.indexOf('POST'), operations.lastIndexOf('POST')];
    const between = operations.slice(...completions);
    // The first look asks whether the write has worked all the same, the second one is that of the restart.
    expect(between.filter((operation) => operation === 'HEAD')).toHaveLength(2);
  });

  it("leaves a rival's upload alone when it is begun anew", async () => {
    const source = await bytesSource(ours);
    const progress = new Progress(KEY, ours.length, log);
    const options = { sha256: source.digest.sha256, forbidOverwrite: true, adopt: true };
    const upload = new MultipartUpload(bucket, KEY, source, options, { log, progress });
    const body = '<Error><Code>NoSuchUpload</Code></Error>';
    server.failNext({ kind: 'status', status: 404, method: 'POST', path: /uploadId=/, body });
    await expect(upload.run()).rejects.toMatchObject({ ossCode: 'NoSuchUpload' });

    // The rival, as the one that comes later, has removed what is not its own.
    await begin(theirs.fill('x', 0, 10));
    await upload.run();
    progress.stop();
    await expectStored(ours);
    expect((await server.uploads('infra')).map(({ parts }) => parts.length)).toEqual([2]);
  });
});
