import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AliOss, connectAliOss } from './ali-oss-client.ts';
import { Crc64 } from './crc64.ts';
import { type OssServer, startOss } from './server.ts';

const key = { accessKeyId: 'LTAIexample', accessKeySecret: 'not-so-secret' };
let directory: string;
let server: OssServer;
let client: AliOss;

const start = (): Promise<OssServer> =>
  startOss({ directory, region: 'oss-cn-hangzhou', buckets: ['packages', 'other'], credentials: [key] });
const connect = (): AliOss =>
  connectAliOss({
    ...key,
    region: 'oss-cn-hangzhou',
    bucket: 'packages',
    endpoint: server.url,
    authorizationV4: true,
  });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oss-'));
  server = await start();
  client = connect();
});

afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

describe('objects', () => {
  it('gives back what was put, with its headers and checksums', async () => {
    const content = randomBytes(300_001);
    const md5 = createHash('md5').update(content).digest('hex').toUpperCase();
    const crc64 = new Crc64().update(content).digest();

    const put = await client.put('a dir/b+c (1)!*.tar.gz', content, {
      meta: { sha256: 'abc' },
      mime: 'application/gzip',
    });
    const head = await client.head('a dir/b+c (1)!*.tar.gz');
    const got = await client.get('a dir/b+c (1)!*.tar.gz');

    expect(put.res.headers).toMatchObject({ etag: `"${md5}"`, 'x-oss-hash-crc64ecma': crc64 });
    expect(put.res.headers['x-oss-request-id']).toMatch(/^[0-9A-F]{24}$/);
    expect(head.res.headers).toMatchObject({
      'content-length': '300001',
      'content-type': 'application/gzip',
      etag: `"${md5}"`,
      'x-oss-hash-crc64ecma': crc64,
      'x-oss-object-type': 'Normal',
    });
    expect(head.meta).toEqual({ sha256: 'abc' });
    expect(got.content.equals(content)).toBe(true);
    expect(got.res.headers['x-oss-hash-crc64ecma']).toBe(crc64);
  });

  it('shows a test what is on disk', async () => {
    await client.put('b.txt', Buffer.from('123456789'), { meta: { origin: 'here' } });
    await client.put('a.txt', Buffer.from('x'));

    const objects = await server.objects('packages');

    expect(objects.map((object) => object.key)).toEqual(['a.txt', 'b.txt']);
    expect(objects[1]).toMatchObject({ size: 9, crc64: '11051210869376104954', meta: { origin: 'here' } });
    expect(await readFile(objects[1]?.body ?? '', 'utf8')).toBe('123456789');
    expect(await server.objects('other')).toEqual([]);
  });

  it('keeps keys apart that a URL parser would fold', async () => {
    for (const name of ['a/b', 'a//b', 'b', 'a%2Fb']) await client.put(name, Buffer.from(name));
    // The client folds dots in its own URLs, so this request line is written by hand.
    const url = await connectByPath().signatureUrlV4('PUT', 60, {}, 'a/../b');
    expect(await sendRaw('PUT', url, { 'content-length': '4' }, 'dots')).toMatchObject({ status: 200 });
    const objects = await server.objects('packages');
    expect(objects.map((object) => object.key)).toEqual(['a%2Fb', 'a/../b', 'a//b', 'a/b', 'b']);
  });

  it('keeps an empty object, and metadata outside ASCII', async () => {
    const raw = connectAliOss({
      ...key,
      region: 'oss-cn-hangzhou',
      bucket: 'packages',
      endpoint: server.url,
      authorizationV4: true,
      headerEncoding: 'latin1',
    });
    await raw.put('空.txt', Buffer.alloc(0), { headers: { 'Content-Length': '0' }, meta: { name: '插件' } });
    const { meta, res } = await client.head('空.txt');
    expect(Buffer.from(meta?.['name'] ?? '', 'latin1').toString()).toBe('插件');
    expect(res.headers).toMatchObject({ 'content-length': '0', 'x-oss-hash-crc64ecma': '0' });
  });

  it('answers a range with those bytes and the checksum of the whole', async () => {
    await client.put('digits', Buffer.from('123456789'));
    const part = await client.get('digits', { headers: { Range: 'bytes=2-4' } });
    expect(part.res.status).toBe(206);
    expect(part.content.toString()).toBe('345');
    expect(part.res.headers).toMatchObject({
      'content-range': 'bytes 2-4/9',
      'x-oss-hash-crc64ecma': '11051210869376104954',
    });
    const whole = await client.get('digits', { headers: { Range: 'bytes=2-9' } });
    expect([whole.res.status, whole.content.toString()]).toEqual([200, '123456789']);
    const beyond = client.get('digits', { headers: { Range: 'bytes=9-', 'x-oss-range-behavior': 'standard' } });
    await expect(beyond).rejects.toMatchObject({ status: 416, code: 'InvalidRange' });
  });

  it('replaces and deletes without leaving bytes behind', async () => {
    await client.put('a', Buffer.from('one'));
    await client.put('a', Buffer.from('two'));
    expect((await client.get('a')).content.toString()).toBe('two');
    expect(await readdir(join(directory, 'packages', 'objects'))).toHaveLength(2);
    expect((await client.delete('a')).res.status).toBe(204);
    expect((await client.delete('a')).res.status).toBe(204);
    expect(await readdir(join(directory, 'packages', 'objects'))).toEqual([]);
    await expect(client.get('a')).rejects.toMatchObject({ status: 404, code: 'NoSuchKey', ecCode: '0026-00000001' });
    await expect(client.head('a')).rejects.toMatchObject({ status: 404, code: 'NoSuchKey' });
  });

  it('does not overwrite when forbidden, whoever comes first', async () => {
    const forbid = { headers: { 'x-oss-forbid-overwrite': 'true' } };
    const results = await Promise.allSettled(
      ['one', 'two', 'three'].map((text) => client.put('a', Buffer.from(text), structuredClone(forbid))),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(client.put('a', Buffer.from('four'), forbid)).rejects.toMatchObject({
      status: 409,
      code: 'FileAlreadyExists',
      ecCode: '0026-00000002',
    });
    expect((await server.objects('packages')).map(({ key }) => key)).toEqual(['a']);
    expect(await readdir(join(directory, 'packages', 'objects'))).toHaveLength(2);
    await client.put('a', Buffer.from('five'));
    expect((await client.get('a')).content.toString()).toBe('five');
  });

  it('refuses content that is not what Content-MD5 says', async () => {
    const wrong = createHash('md5').update('other').digest('base64');
    for (const [md5, ecCode] of [
      [wrong, '0017-00000503'],
      ['short', '0017-00000502'],
    ] as const) {
      const put = client.put('a', Buffer.from('content'), { headers: { 'Content-MD5': md5 } });
      await expect(put).rejects.toMatchObject({ status: 400, code: 'InvalidDigest', ecCode });
    }
    expect(await readdir(join(directory, 'packages', 'objects'))).toEqual([]);
  });

  it('refuses a body of unknown length', async () => {
    const url = await connectByPath().signatureUrlV4('PUT', 60, {}, 'a');
    const { status, body } = await sendRaw('PUT', url, { 'transfer-encoding': 'chunked' }, 'content');
    expect(status).toBe(411);
    expect(body).toContain('<Code>MissingContentLength</Code>');
  });

  it('does not take a request about an ACL for one about content', async () => {
    const url = await connectByPath().signatureUrlV4('PUT', 60, { queries: { acl: 'private' } }, 'a');
    const answer = await fetch(url, { method: 'PUT', body: Buffer.from('x') });
    expect(answer.status).toBe(501);
    expect(await server.objects('packages')).toEqual([]);
  });
});

describe('listing objects', () => {
  it('pages through keys and common prefixes', async () => {
    for (const name of ['p/a/1', 'p/a/2', 'p/b', 'p/c/1', 'p/d', 'q']) await client.put(name, Buffer.from(name));
    const pages = [];
    let token: string | null = '';
    while (token !== null) {
      const query: Record<string, string | number> = { prefix: 'p/', delimiter: '/', 'max-keys': 2 };
      const page = await client.listV2(token === '' ? query : { ...query, 'continuation-token': token });
      pages.push([...page.objects.map(({ name }) => name), ...(page.prefixes ?? [])]);
      expect(page.isTruncated).toBe(page.nextContinuationToken !== null);
      token = page.nextContinuationToken;
    }
    expect(pages).toEqual([
      ['p/b', 'p/a/'],
      ['p/d', 'p/c/'],
    ]);
  });

  it('lists sizes and tags, from a key on', async () => {
    for (const name of ['a', 'b&<c>', 'd']) await client.put(name, Buffer.from('123456789'));
    const { objects, keyCount } = await client.listV2({ 'start-after': 'a' });
    expect(keyCount).toBe(2);
    expect(objects).toMatchObject([
      { name: 'b&<c>', size: 9, etag: '"25F9E794323B453885F5181F1B624D0B"' },
      { name: 'd', size: 9 },
    ]);
  });

  it.each([{ 'max-keys': 0 }, { 'max-keys': 1001 }, { 'continuation-token': '?' }, { 'encoding-type': 'hex' }])(
    'refuses %o',
    async (query) => {
      await expect(client.listV2(query)).rejects.toMatchObject({ status: 400, code: 'InvalidArgument' });
    },
  );
});

describe('the server', () => {
  it('continues on the same directory after a restart', async () => {
    await client.put('a', Buffer.from('content'), { meta: { sha256: 'abc' } });
    await server.close();
    server = await start();
    client = connect();
    expect((await client.get('a')).content.toString()).toBe('content');
    expect((await client.head('a')).meta).toEqual({ sha256: 'abc' });
  });

  it('sweeps the bytes that a kill left without a record, and only those', async () => {
    await client.put('a', Buffer.from('content'));
    const objects = join(directory, 'packages', 'objects');
    const kept = await readdir(objects);
    await server.close();
    await writeFile(join(objects, 'left-over.body'), 'some');
    await writeFile(join(objects, 'left-over.new'), '{');
    server = await start();
    client = connect();
    expect((await readdir(objects)).sort()).toEqual(kept.sort());
    expect((await client.get('a')).content.toString()).toBe('content');
  });

  it('keeps nothing of a body that broke off', async () => {
    const url = new URL(await connectByPath().signatureUrlV4('PUT', 60, {}, 'a'));
    const sending = request(url, { method: 'PUT', headers: { 'content-length': 1000 } });
    sending.on('error', () => {});
    sending.write('only some of it');
    const objects = join(directory, 'packages', 'objects');
    await vi.waitFor(async () => expect(await readdir(objects)).toHaveLength(1));
    sending.destroy();
    await vi.waitFor(async () => expect(await readdir(objects)).toEqual([]));
    await expect(client.head('a')).rejects.toMatchObject({ status: 404 });
  });

  it('never mixes two objects while one is replaced under a reader', async () => {
    const versions = ['a', 'b', 'c'].map((letter) => Buffer.alloc(200_000, letter));
    await client.put('a', Buffer.alloc(200_000, 'z'));
    const writing = Promise.all(versions.map((version) => client.put('a', version)));
    const read = await Promise.all(Array.from({ length: 20 }, () => client.get('a')));
    await writing;
    for (const { content, res } of read) {
      expect(res.headers['x-oss-hash-crc64ecma']).toBe(new Crc64().update(content).digest());
    }
  });

  it('injects faults', async () => {
    const content = randomBytes(1000);
    server.failNext({
      kind: 'status',
      status: 503,
      method: 'PUT',
      body: '<Error><Code>ServiceUnavailable</Code></Error>',
    });
    await expect(client.put('a', content)).rejects.toMatchObject({ status: 503, code: 'ServiceUnavailable' });
    server.failNext({ kind: 'reset', method: 'PUT' });
    await expect(client.put('a', content)).rejects.toMatchObject({ status: -1 });
    expect(await server.objects('packages')).toEqual([]);
    server.failNext({ kind: 'lose-reply', method: 'PUT' });
    await expect(client.put('a', content)).rejects.toMatchObject({ status: -1 });
    expect(await server.objects('packages')).toHaveLength(1);
    server.failNext({ kind: 'truncate', method: 'GET' });
    await expect(client.get('a')).rejects.toThrow();
    server.failNext({ kind: 'corrupt', method: 'GET' });
    expect((await client.get('a')).content.equals(content)).toBe(false);
    expect((await client.get('a')).content.equals(content)).toBe(true);
  });
});

/** A signed URL for an IP address is refused by the client, so URLs are signed for the path style. */
function connectByPath(): AliOss {
  return connectAliOss({
    ...key,
    region: 'oss-cn-hangzhou',
    bucket: 'packages',
    endpoint: `http://localhost:${server.port}`,
    cname: true,
    sldEnable: true,
    authorizationV4: true,
  });
}

/** Sends a request line exactly as written. */
function sendRaw(
  method: string,
  url: string,
  headers: Record<string, string>,
  content: string,
): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const path = url.slice(url.indexOf('/', 'http://'.length));
    const sending = request({ host: '127.0.0.1', port: server.port, method, path, headers });
    sending.on('error', reject);
    sending.on('response', (response) => {
      text(response).then((body) => resolve({ status: response.statusCode, body }), reject);
    });
    sending.end(content);
  });
}
