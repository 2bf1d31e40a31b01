import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AliOss, connectAliOss } from './ali-oss-client.ts';
import { type OssServer, startOss } from './server.ts';

const key = { accessKeyId: 'LTAIexample', accessKeySecret: 'not-so-secret' };
const temporary = { accessKeyId: 'STS.example', accessKeySecret: 'short-lived', securityToken: 'token+/=' };
let directory: string;
let server: OssServer;
let clock: number;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oss-'));
  clock = 0;
  server = await startOss({
    directory,
    region: 'cn-hangzhou',
    buckets: ['packages'],
    credentials: [key, temporary],
    now: () => new Date(Date.now() + clock),
  });
});

afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

type Changes = Partial<Parameters<typeof connectAliOss>[0]>;

/** With an IP address as endpoint the client speaks of the bucket in the Host header. */
function connect(changes: Changes = {}): AliOss {
  return connectAliOss({
    ...key,
    region: 'oss-cn-hangzhou',
    bucket: 'packages',
    endpoint: server.url,
    authorizationV4: true,
    ...changes,
  });
}

function connectByPath(changes: Changes = {}): AliOss {
  return connect({ endpoint: `http://localhost:${server.port}`, cname: true, sldEnable: true, ...changes });
}

describe.each([
  ['virtual host', connect],
  ['path', connectByPath],
])('V4 header signatures, %s style', (style, connectWith) => {
  it('are accepted', async () => {
    await connectWith().put("it's (a) key*!/ü+ 1.txt", Buffer.from('content'));
    expect((await connectWith().listV2({ prefix: "it's (a)", delimiter: '/' })).prefixes).toEqual(["it's (a) key*!/"]);
    const sent = server.requests[0];
    expect(sent?.headers.host).toBe(
      style === 'path' ? `localhost:${server.port}` : 'packages.oss-cn-hangzhou.aliyuncs.com',
    );
    expect(sent?.path.startsWith('/packages/')).toBe(style === 'path');
  });

  it('are refused with a wrong secret or an unknown key', async () => {
    const wrong = connectWith({ accessKeySecret: 'guessed' }).put('a', Buffer.from('x'));
    await expect(wrong).rejects.toMatchObject({ status: 403, code: 'SignatureDoesNotMatch', ecCode: '0002-00000201' });
    const unknown = connectWith({ accessKeyId: 'LTAIother' }).put('a', Buffer.from('x'));
    await expect(unknown).rejects.toMatchObject({ status: 403, code: 'InvalidAccessKeyId', ecCode: '0002-00000902' });
    const head = connectWith({ accessKeySecret: 'guessed' }).head('a');
    await expect(head).rejects.toMatchObject({ status: 403, code: 'SignatureDoesNotMatch', ecCode: '0002-00000201' });
    expect(await server.objects('packages')).toEqual([]);
  });

  it('are refused without the security token, or with another one', async () => {
    const { securityToken, ...halves } = temporary;
    await connectWith({ ...halves, stsToken: securityToken }).put('a', Buffer.from('x'));
    const get = (changes: Changes) => connectWith(changes).get('a');
    await expect(get(halves)).rejects.toMatchObject({ code: 'InvalidAccessKeyId', ecCode: '0002-00000003' });
    await expect(get({ ...halves, stsToken: 'old' })).rejects.toMatchObject({ code: 'InvalidSecurityToken' });
    await expect(get({ stsToken: securityToken })).rejects.toMatchObject({
      code: 'AccessKeyIdAndSecurityTokenNotMatch',
    });
  });

  it('are refused for another bucket', async () => {
    const get = connectWith({ bucket: 'elsewhere' }).get('a');
    await expect(get).rejects.toMatchObject({ status: 404, code: 'NoSuchBucket' });
  });
});

describe('V4 header signatures', () => {
  it('must be for the region', async () => {
    await expect(connect({ region: 'oss-cn-shanghai' }).get('a')).rejects.toMatchObject({
      status: 403,
      code: 'AccessDenied',
      message: expect.stringContaining('must be addressed using the specified endpoint'),
      ecCode: '0003-00001403',
    });
    await expect(connectByPath({ region: 'oss-cn-shanghai' }).get('a')).rejects.toMatchObject({
      status: 400,
      code: 'InvalidArgument',
      ecCode: '0002-00000228',
    });
  });

  it('must be at most 15 minutes old or early', async () => {
    await connect().put('a', Buffer.from('x'));
    for (const minutes of [-14, 14]) {
      clock = minutes * 60_000;
      expect((await connect().get('a')).content.toString()).toBe('x');
    }
    for (const minutes of [-16, 16]) {
      clock = minutes * 60_000;
      await expect(connect().get('a')).rejects.toMatchObject({ status: 403, code: 'RequestTimeTooSkewed' });
    }
  });

  it('cover the method, key, query, and OSS headers, and no more than they say', async () => {
    const headers = { 'x-oss-forbid-overwrite': 'true', 'Cache-Control': 'no-store' };
    await connect().put('a', Buffer.from('x'), { headers, additionalHeaders: ['Cache-Control'] });
    const path = '/a';
    const signed = flatten(server.requests[0]?.headers ?? {});
    expect(signed['authorization']).toContain('AdditionalHeaders=cache-control');
    const changes: { method?: string; path?: string; headers?: Record<string, string> }[] = [
      { method: 'POST' },
      { path: '/b' },
      { path: '/a?uploads' },
      { headers: { 'x-oss-forbid-overwrite': 'false' } },
      { headers: { 'x-oss-meta-more': '1' } },
      { headers: { 'content-type': 'text/html' } },
      { headers: { 'cache-control': 'public' } },
    ];
    for (const change of changes) {
      const sent = { method: 'PUT', path, ...change, headers: { ...signed, ...change.headers } };
      expect((await replay(sent)).body, JSON.stringify(change)).toContain('<Code>SignatureDoesNotMatch</Code>');
    }
    const unsigned = { method: 'PUT', path, headers: { ...signed, 'content-language': 'de' } };
    expect((await replay(unsigned)).body).toContain('<Code>FileAlreadyExists</Code>');
  });

  it.each([
    ['x-oss-content-sha256', '0'.repeat(64), '0002-00000214'],
    ['authorization', 'OSS4-HMAC-SHA256 Signature=00', '0002-00000202'],
    ['authorization', 'OSS4-HMAC-SHA256 Credential=a/20260101/cn-hangzhou/oss/other,Signature=00', '0002-00000213'],
    [
      'authorization',
      'OSS4-HMAC-SHA256 Credential=a/20010101/cn-hangzhou/oss/aliyun_v4_request,Signature=00',
      '0002-00000213',
    ],
    ['authorization', 'Bearer something', '0002-00000061'],
  ])('are refused with %s: %s', async (name, value, ec) => {
    await connect().put('a', Buffer.from('x'));
    const signed = flatten(server.requests[0]?.headers ?? {});
    const { status, body } = await replay({ method: 'PUT', path: '/a', headers: { ...signed, [name]: value } });
    expect(status).toBe(400);
    expect(body).toContain(`<EC>${ec}</EC>`);
  });
});

describe('requests without a V4 header signature', () => {
  it('are refused with a V1 signature', async () => {
    const get = connect({ authorizationV4: false }).get('a');
    await expect(get).rejects.toMatchObject({ status: 403, code: 'AccessDenied', ecCode: '0002-00000080' });
    const url = `${server.url}/packages/a?OSSAccessKeyId=${key.accessKeyId}&Expires=1&Signature=x`;
    expect(await (await fetch(url)).text()).toContain('<EC>0002-00000080</EC>');
  });

  it('are refused without any', async () => {
    const answer = await fetch(`${server.url}/packages/a`);
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain('<Code>AccessDenied</Code>');
    expect(answer.headers.get('x-oss-request-id')).toMatch(/^[0-9A-F]{24}$/);
  });

  it('are accepted with a V4 signature in the URL, until it expires', async () => {
    const { securityToken, ...halves } = temporary;
    const client = connectByPath({ ...halves, stsToken: securityToken });
    const put = await client.signatureUrlV4('PUT', 60, { headers: { 'x-oss-meta-a': 'b' } }, 'a b');
    const get = await client.signatureUrlV4('GET', 60, {}, 'a b');
    const body = Buffer.from('content');
    expect((await fetch(put, { method: 'PUT', body })).status).toBe(403);
    expect((await fetch(put, { method: 'PUT', body, headers: { 'x-oss-meta-a': 'b' } })).status).toBe(200);
    expect(await (await fetch(get)).text()).toBe('content');
    expect(await (await fetch(get.replace('x-oss-expires=60', 'x-oss-expires=600'))).text()).toContain(
      '<Code>SignatureDoesNotMatch</Code>',
    );
    const tooLong = await client.signatureUrlV4('GET', 604_801, {}, 'a b');
    expect((await fetch(tooLong)).status).toBe(400);
    clock = 61_000;
    expect(await (await fetch(get)).text()).toContain('<Message>Request has expired.</Message>');
  });
});

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

/** Sends the one byte of content again under headers that somebody else signed. */
function replay(sent: {
  method: string;
  path: string;
  headers: Record<string, string>;
}): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const sending = request({ host: '127.0.0.1', port: server.port, ...sent });
    sending.on('error', reject);
    sending.on('response', (response) => {
      text(response).then((body) => resolve({ status: response.statusCode, body }), reject);
    });
    sending.end('x');
  });
}
