import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AliOss, connectAliOss } from './ali-oss-client.ts';
import { Crc64 } from './crc64.ts';
import { type OssServer, startOss } from './server.ts';

const PART = 100 * 1024;
const key = { accessKeyId: 'LTAIexample', accessKeySecret: 'not-so-secret' };
const content = randomBytes(2 * PART + 17);
const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex').toUpperCase();
const pieces = [content.subarray(0, PART), content.subarray(PART, 2 * PART), content.subarray(2 * PART)];
const etags = pieces.map((piece) => `"${md5(piece)}"`);
let directory: string;
let file: string;
let server: OssServer;
let client: AliOss;

const start = (): Promise<OssServer> =>
  startOss({ directory, region: 'cn-hangzhou', buckets: ['packages'], credentials: [key] });
const connect = (): AliOss =>
  connectAliOss({
    ...key,
    region: 'oss-cn-hangzhou',
    bucket: 'packages',
    endpoint: `http://localhost:${server.port}`,
    cname: true,
    sldEnable: true,
    authorizationV4: true,
  });

beforeEach(async () => {
  const root = await mkdtemp(join(tmpdir(), 'oss-'));
  directory = join(root, 'state');
  file = join(root, 'content');
  await writeFile(file, content);
  server = await start();
  client = connect();
});

afterEach(async () => {
  await server.close();
  await rm(join(directory, '..'), { recursive: true, force: true });
});

/** Uploads one of the three pieces of the content. */
async function uploadPiece(name: string, uploadId: string, number: number): Promise<{ number: number; etag: string }> {
  const at = (number - 1) * PART;
  const { etag } = await client.uploadPart(name, uploadId, number, file, at, Math.min(at + PART, content.length));
  return { number, etag };
}

/** Completes with a body of the test's own making; the real client sorts parts and cannot be made to send nonsense. */
async function completeWith(
  name: string,
  uploadId: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> {
  const url = await client.signatureUrlV4('POST', 60, { headers, queries: { uploadId } }, name);
  const answer = await fetch(url, { method: 'POST', headers, body: Buffer.from(body) });
  return { status: answer.status, body: await answer.text() };
}

describe('multipart uploads', () => {
  it('make one object of their parts, whatever the order of arrival', async () => {
    const { uploadId } = await client.initMultipartUpload('a/b.tar.gz', { meta: { sha256: 'abc' } });
    const parts = [];
    for (const number of [3, 1, 2]) parts.push(await uploadPiece('a/b.tar.gz', uploadId, number));
    const { res, etag } = await client.completeMultipartUpload('a/b.tar.gz', uploadId, parts);
    const head = await client.head('a/b.tar.gz');

    const digests = createHash('md5');
    for (const piece of pieces) digests.update(md5(piece), 'hex');
    const crc64 = new Crc64().update(content).digest();
    expect(etag).toBe(`"${digests.digest('hex').toUpperCase()}-3"`);
    expect(res.headers['x-oss-hash-crc64ecma']).toBe(crc64);
    expect(head.meta).toEqual({ sha256: 'abc' });
    expect(head.res.headers).toMatchObject({ etag, 'x-oss-object-type': 'Multipart', 'x-oss-hash-crc64ecma': crc64 });
    expect((await client.get('a/b.tar.gz')).content.equals(content)).toBe(true);
    expect(await server.uploads('packages')).toEqual([]);
    expect(await readdir(join(directory, 'packages', 'uploads'))).toEqual([]);
  });

  it('answer each part with its MD5 and checksum, and keep the last of a number', async () => {
    const { uploadId } = await client.initMultipartUpload('a');
    const { res } = await client.uploadPart('a', uploadId, 1, file, 0, PART);
    expect(res.headers).toMatchObject({
      etag: etags[0],
      'x-oss-hash-crc64ecma': new Crc64().update(content.subarray(0, PART)).digest(),
    });
    await client.uploadPart('a', uploadId, 1, file, PART, 2 * PART);
    const [upload] = await server.uploads('packages');
    expect(upload?.parts.map((part) => `"${part.md5.toUpperCase()}"`)).toEqual([etags[1]]);
    expect(await readdir(join(directory, 'packages', 'uploads', uploadId, 'parts'))).toHaveLength(2);
  });

  it('are listed page by page, with their parts', async () => {
    const { uploadId } = await client.initMultipartUpload('a');
    for (const number of [1, 2, 3]) await uploadPiece('a', uploadId, number);

    const first = await client.listParts('a', uploadId, { 'max-parts': 2 });
    const second = await client.listParts('a', uploadId, { 'part-number-marker': first.nextPartNumberMarker });

    expect(first).toMatchObject({ isTruncated: 'true', nextPartNumberMarker: '2' });
    expect(first.parts).toMatchObject([
      { PartNumber: '1', ETag: etags[0], Size: String(PART) },
      { PartNumber: '2', ETag: etags[1], HashCrc64ecma: new Crc64().update(content.subarray(PART, 2 * PART)).digest() },
    ]);
    expect(second).toMatchObject({ isTruncated: 'false', parts: { PartNumber: '3', ETag: etags[2], Size: '17' } });
  });

  it('are found by prefix and marker', async () => {
    const ids = new Map<string, string[]>();
    for (const name of ['p/a', 'p/b', 'p/b', 'q']) {
      const { uploadId } = await client.initMultipartUpload(name);
      ids.set(name, [...(ids.get(name) ?? []), uploadId].sort());
    }
    const all = await client.listUploads({ prefix: 'p/' });
    expect(all.isTruncated).toBe(false);
    expect(all.uploads.map(({ uploadId }) => uploadId)).toEqual([...(ids.get('p/a') ?? []), ...(ids.get('p/b') ?? [])]);

    const page = await client.listUploads({ prefix: 'p/', 'max-uploads': 2 });
    expect(page).toMatchObject({ isTruncated: true, nextKeyMarker: 'p/b', nextUploadIdMarker: ids.get('p/b')?.[0] });
    const rest = await client.listUploads({
      prefix: 'p/',
      'key-marker': page.nextKeyMarker,
      'upload-id-marker': page.nextUploadIdMarker,
    });
    expect(rest.uploads.map(({ uploadId }) => uploadId)).toEqual([ids.get('p/b')?.[1]]);
    expect((await client.listUploads({ 'key-marker': 'p/b' })).uploads.map(({ name }) => name)).toEqual(['q']);
  });

  it('are gone when aborted', async () => {
    const { uploadId } = await client.initMultipartUpload('a');
    const part = await uploadPiece('a', uploadId, 1);
    expect((await connect().abortMultipartUpload('a', uploadId)).res.status).toBe(204);
    const gone = { status: 404, code: 'NoSuchUpload' };
    await expect(client.listParts('a', uploadId)).rejects.toMatchObject(gone);
    await expect(uploadPiece('a', uploadId, 1)).rejects.toMatchObject(gone);
    await expect(client.completeMultipartUpload('a', uploadId, [part])).rejects.toMatchObject(gone);
    await expect(connect().abortMultipartUpload('a', uploadId)).rejects.toMatchObject(gone);
    expect(await readdir(join(directory, 'packages', 'uploads'))).toEqual([]);
  });

  it('belong to one key', async () => {
    const { uploadId } = await client.initMultipartUpload('a');
    await expect(client.listParts('b', uploadId)).rejects.toMatchObject({ code: 'NoSuchUpload' });
    await expect(uploadPiece('a', '../packages', 1)).rejects.toMatchObject({ code: 'NoSuchUpload' });
  });

  it('continue after a restart', async () => {
    const { uploadId } = await client.initMultipartUpload('a', { mime: 'application/gzip', meta: { sha256: 'abc' } });
    const first = await uploadPiece('a', uploadId, 1);
    await server.close();
    server = await start();
    client = connect();
    const rest = [await uploadPiece('a', uploadId, 2), await uploadPiece('a', uploadId, 3)];
    expect((await client.listParts('a', uploadId)).parts).toHaveLength(3);
    await client.completeMultipartUpload('a', uploadId, [first, ...rest]);
    expect((await client.get('a')).content.equals(content)).toBe(true);
    const { res, meta } = await client.head('a');
    expect([meta, res.headers['content-type']]).toEqual([{ sha256: 'abc' }, 'application/gzip']);
  });

  it('are complete although the reply was lost', async () => {
    const { uploadId } = await client.initMultipartUpload('a');
    const part = await uploadPiece('a', uploadId, 3);
    server.failNext({ kind: 'lose-reply', method: 'POST' });
    const again = () => client.completeMultipartUpload('a', uploadId, [part]);
    await expect(again()).rejects.toMatchObject({ status: -1 });
    expect((await server.objects('packages')).map(({ size }) => size)).toEqual([17]);
    await expect(again()).rejects.toMatchObject({ code: 'NoSuchUpload' });
  });

  it('complete once when two requests race', async () => {
    const { uploadId } = await client.initMultipartUpload('a');
    const part = await uploadPiece('a', uploadId, 1);
    const results = await Promise.allSettled([1, 2].map(() => client.completeMultipartUpload('a', uploadId, [part])));
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await server.objects('packages')).toHaveLength(1);
  });
});

describe('completing', () => {
  it('takes all parts with x-oss-complete-all, and then no body', async () => {
    const { uploadId } = await client.initMultipartUpload('a');
    expect(await completeWith('a', uploadId, '', { 'x-oss-complete-all': 'yes' })).toMatchObject({ status: 400 });
    for (const number of [2, 1, 3]) await uploadPiece('a', uploadId, number);
    const both = await completeWith('a', uploadId, '<CompleteMultipartUpload/>', { 'x-oss-complete-all': 'yes' });
    expect(both.body).toContain('<EC>0042-00000216</EC>');
    expect(await completeWith('a', uploadId, '', { 'x-oss-complete-all': 'yes' })).toMatchObject({ status: 200 });
    expect((await client.get('a')).content.equals(content)).toBe(true);
  });

  it('refuses a list that does not ascend', async () => {
    const { uploadId } = await client.initMultipartUpload('a');
    for (const number of [1, 2]) await uploadPiece('a', uploadId, number);
    const item = (number: number): string =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${etags[number - 1]}</ETag></Part>`;
    for (const numbers of [[2, 1], [1, 1], [0]]) {
      const xml = `<CompleteMultipartUpload>${numbers.map(item).join('')}</CompleteMultipartUpload>`;
      const { status, body } = await completeWith('a', uploadId, xml);
      expect(status).toBe(400);
      expect(body).toContain('<Code>InvalidPartOrder</Code>');
    }
  });

  it.each(['', 'nonsense', '<CompleteMultipartUpload></CompleteMultipartUpload>', '<CompleteMultipartUpload><Part/>'])(
    'refuses the body %j',
    async (xml) => {
      const { uploadId } = await client.initMultipartUpload('a');
      const { status, body } = await completeWith('a', uploadId, xml);
      expect(status).toBe(400);
      expect(body).toContain('<Code>MalformedXML</Code>');
    },
  );

  it('refuses parts that are missing, have another ETag, or are too small', async () => {
    const { uploadId } = await client.initMultipartUpload('a');
    const last = await uploadPiece('a', uploadId, 3);
    const complete = (parts: { number: number; etag: string }[]) =>
      client.completeMultipartUpload('a', uploadId, parts);
    await expect(complete([{ number: 1, etag: last.etag }])).rejects.toMatchObject({ code: 'InvalidPart' });
    await expect(complete([{ number: 3, etag: `"${'0'.repeat(32)}"` }])).rejects.toMatchObject({ code: 'InvalidPart' });
    const { etag } = await client.uploadPart('a', uploadId, 4, file, 0, 5);
    await expect(complete([last, { number: 4, etag }])).rejects.toMatchObject({
      status: 400,
      code: 'EntityTooSmall',
      ecCode: '0042-00000213',
    });
    await complete([{ number: 4, etag }]);
    expect((await server.objects('packages')).map(({ size }) => size)).toEqual([5]);
  });

  it('refuses a part list that is not what Content-MD5 says, and part numbers out of bounds', async () => {
    const { uploadId } = await client.initMultipartUpload('a');
    const part = await uploadPiece('a', uploadId, 1);
    const headers = { 'Content-MD5': createHash('md5').update('other').digest('base64') };
    const complete = client.completeMultipartUpload('a', uploadId, [part], { headers: { ...headers } });
    await expect(complete).rejects.toMatchObject({ status: 400, code: 'InvalidDigest' });
    for (const number of [0, 10_001]) {
      const upload = client.uploadPart('a', uploadId, number, file, 0, PART);
      await expect(upload).rejects.toMatchObject({ status: 400, code: 'InvalidArgument' });
    }
    const wrong = client.uploadPart('a', uploadId, 1, file, 0, PART, { headers });
    await expect(wrong).rejects.toMatchObject({ status: 400, code: 'InvalidDigest' });
    expect((await server.uploads('packages'))[0]?.parts).toHaveLength(1);
  });

  it('does not overwrite when forbidden, and keeps the upload then', async () => {
    const forbid = () => ({ headers: { 'x-oss-forbid-overwrite': 'true' } });
    const { uploadId } = await client.initMultipartUpload('a', forbid());
    const part = await uploadPiece('a', uploadId, 1);
    await client.put('a', Buffer.from('first'));
    const taken = { status: 409, code: 'FileAlreadyExists' };
    await expect(client.initMultipartUpload('a', forbid())).rejects.toMatchObject(taken);
    const complete = client.completeMultipartUpload('a', uploadId, [part], forbid());
    await expect(complete).rejects.toMatchObject({ ...taken, ecCode: '0042-00000214' });
    expect((await client.get('a')).content.toString()).toBe('first');
    expect(await server.uploads('packages')).toHaveLength(1);
    await client.completeMultipartUpload('a', uploadId, [part]);
    expect((await client.get('a')).content.length).toBe(PART);
  });
});
