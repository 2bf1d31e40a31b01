import { request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { errorBody } from './registry-error.ts';
import { errorCode, putBlob, putImage, RegistryFixture, sha256 } from './registry-fixture.ts';

const fixture = new RegistryFixture();
afterEach(() => fixture.cleanUp());

test('429 and 5xx come as often as asked for, and then the real answer', async () => {
  const server = await fixture.start();
  await putImage(server.url, 'a', 'v1', 'layer');
  const body = JSON.stringify(errorBody('TOOMANYREQUESTS', 'slow down'));
  server.failNext({ kind: 'status', status: 429, headers: { 'retry-after': '2' }, body, path: /manifests/, times: 2 });
  server.failNext({ kind: 'status', status: 503, method: 'HEAD' });
  const at = `${server.url}/v2/a/manifests/v1`;
  const first = await fetch(at);
  expect([first.status, first.headers.get('retry-after'), await errorCode(first)]).toEqual([
    429,
    '2',
    'TOOMANYREQUESTS',
  ]);
  expect((await fetch(at)).status).toBe(429);
  expect((await fetch(at, { method: 'HEAD' })).status).toBe(503);
  expect((await fetch(at)).status).toBe(200);
});

test('a reset is an error, and an upload it hits is still there', async () => {
  const server = await fixture.start();
  const opened = await fetch(`${server.url}/v2/a/blobs/uploads/`, { method: 'POST' });
  const at = opened.headers.get('location') ?? '';
  server.failNext({ kind: 'reset', method: 'PUT' });
  const put = (): Promise<Response> => fetch(`${at}&digest=${sha256('text')}`, { method: 'PUT', body: 'text' });
  await expect(put()).rejects.toThrow();
  expect(await server.state.hasBlob(sha256('text'))).toBe(false);
  expect((await put()).status).toBe(201);
});

test('a lost reply did its work', async () => {
  const server = await fixture.start();
  const opened = await fetch(`${server.url}/v2/a/blobs/uploads/`, { method: 'POST' });
  server.failNext({ kind: 'lose-reply', method: 'PUT' });
  const at = `${opened.headers.get('location')}&digest=${sha256('text')}`;
  await expect(fetch(at, { method: 'PUT', body: 'text' })).rejects.toThrow();
  expect(await server.state.hasBlob(sha256('text'), 'a')).toBe(true);
});

test.each([1000, 3_000_000])('a blob of %i bytes is truncated, corrupted and dripped', async (size) => {
  const server = await fixture.start();
  const content = Buffer.alloc(size, 'slipway');
  const at = `${server.url}/v2/a/blobs/${await putBlob(server.url, 'a', content)}`;
  const read = async (): Promise<Buffer> => Buffer.from(await (await fetch(at)).arrayBuffer());

  server.failNext({ kind: 'truncate' });
  await expect(read()).rejects.toThrow();
  server.failNext({ kind: 'corrupt' });
  const corrupted = await read();
  expect([corrupted.length, sha256(corrupted) === sha256(content)]).toEqual([size, false]);
  server.failNext({ kind: 'drip', bytes: Math.ceil(size / 5), delay: 1 });
  expect(sha256(await read())).toBe(sha256(content));
});

test('a truncated answer is refetched from where it ended', async () => {
  const server = await fixture.start();
  const at = `${server.url}/v2/a/blobs/${await putBlob(server.url, 'a', '0123456789')}`;
  server.failNext({ kind: 'truncate', bytes: 4 });
  const reader = (await fetch(at)).body?.getReader();
  const first = await reader?.read();
  await expect(reader?.read()).rejects.toThrow();
  expect(Buffer.from(first?.value ?? []).toString()).toBe('0123');
  expect(await (await fetch(at, { headers: { range: 'bytes=4-' } })).text()).toBe('456789');
});

test('a redirect leads to the blob host, which can fail on its own', async () => {
  const { url, blobHost, failNext } = await fixture.start({ redirectBlobs: true });
  const at = `${url}/v2/a/blobs/${await putBlob(url, 'a', 'far away')}`;
  blobHost?.failNext({ kind: 'status', status: 503 });
  expect((await fetch(at)).status).toBe(503);
  expect(await (await fetch(at)).text()).toBe('far away');
  failNext({ kind: 'status', status: 307, headers: { location: '/v2/' } });
  expect((await fetch(at)).url).toBe(`${url}/v2/`);
});

test.each([
  ['keep', '0-9'],
  ['drop', '0-0'],
] as const)('the bytes of a chunk that broke off are counted, and then it is: %s', async (brokenChunks, range) => {
  const server = await fixture.start({ brokenChunks });
  const opened = await fetch(`${server.url}/v2/a/blobs/uploads/`, { method: 'POST' });
  const at = opened.headers.get('location') ?? '';
  const patch = request(at, { method: 'PATCH', headers: { 'content-length': '100' } });
  patch.on('error', () => undefined);
  patch.write('0123456789');
  const received = (): number | undefined => server.requests.find(({ method }) => method === 'PATCH')?.received;
  while (received() !== 10) await wait(5);
  patch.destroy();
  // The question is answered when the chunk is done with.
  expect((await fetch(at)).headers.get('range')).toBe(range);
  expect(received()).toBe(10);
});
