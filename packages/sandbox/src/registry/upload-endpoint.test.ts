import { request } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { digestOf } from './digest.ts';
import { errorCode, RegistryFixture, sha256 } from './registry-fixture.ts';
import type { RegistryServer } from './server.ts';

const fixture = new RegistryFixture();
afterEach(() => fixture.cleanUp());

const open = async (url: string): Promise<string> =>
  location(url, await fetch(`${url}/v2/a/blobs/uploads/`, { method: 'POST' }));

const location = (url: string, answer: Response): string => new URL(answer.headers.get('location') ?? '', url).href;

const bytes = { 'content-type': 'application/octet-stream' };

const patch = (at: string, start: number, text: string): Promise<Response> =>
  fetch(at, {
    method: 'PATCH',
    body: text,
    headers: { ...bytes, 'content-range': `${start}-${start + text.length - 1}` },
  });

const finish = (at: string, digest: string, text = ''): Promise<Response> =>
  fetch(`${at}&digest=${digest}`, { method: 'PUT', body: text });

test.each([true, false])(
  'chunks, each at the address of the last answer, become a blob (relative: %s)',
  async (relative) => {
    const { url, state } = await fixture.start({ relativeLocations: relative });
    const opened = await fetch(`${url}/v2/a/blobs/uploads/`, { method: 'POST' });
    expect(opened.headers.get('location')?.startsWith('/')).toBe(relative);
    const first = await patch(location(url, opened), 0, 'one ');
    expect([first.status, first.headers.get('range')]).toEqual([202, '0-3']);
    expect(location(url, first)).not.toBe(location(url, opened));
    const second = await patch(location(url, first), 4, 'two ');
    const whole = sha256('one two three');
    const done = await finish(location(url, second), whole, 'three');
    expect([done.status, done.headers.get('docker-content-digest')]).toEqual([201, whole]);
    expect(await (await fetch(location(url, done))).text()).toBe('one two three');
    expect(await state.uploads()).toEqual([]);
  },
);

test('sha512 names a blob as well', async () => {
  const { url } = await fixture.start();
  const digest = digestOf(Buffer.from('long'), 'sha512').text;
  expect((await finish(await open(url), digest, 'long')).status).toBe(201);
  expect(await (await fetch(`${url}/v2/a/blobs/${digest}`)).text()).toBe('long');
});

test('an old address, a wrong start and a wrong length are refused, and the way on is told', async () => {
  const { url } = await fixture.start();
  const old = await open(url);
  const answer = await patch(old, 0, 'abc');
  const stale = await patch(old, 3, 'def');
  expect([stale.status, stale.headers.get('range')]).toEqual([416, '0-2']);
  expect(stale.headers.get('location')).toBe(answer.headers.get('location'));
  expect((await patch(location(url, answer), 7, 'def')).status).toBe(416);
  const wrong = { ...bytes, 'content-range': '3-9' };
  const length = await fetch(location(url, answer), { method: 'PATCH', body: 'def', headers: wrong });
  expect([length.status, await errorCode(length)]).toEqual([400, 'SIZE_INVALID']);
  const status = await fetch(old);
  expect([status.status, status.headers.get('range')]).toEqual([204, '0-2']);
  expect((await finish(location(url, status), sha256('abcdef'), 'def')).status).toBe(201);
});

test('a chunk of another type is refused', async () => {
  const { url, state } = await fixture.start();
  const answer = await fetch(await open(url), { method: 'PATCH', body: 'text' });
  expect([answer.status, await errorCode(answer)]).toEqual([400, 'BLOB_UPLOAD_INVALID']);
  expect(await state.uploads()).toMatchObject([{ repository: 'a', size: 0 }]);
});

test('a wrong digest leaves nothing', async () => {
  const { url, state } = await fixture.start();
  const at = await open(url);
  const answer = await finish(at, sha256('expected'), 'arrived');
  expect([answer.status, await errorCode(answer)]).toEqual([400, 'DIGEST_INVALID']);
  const whole = await fetch(`${url}/v2/a/blobs/uploads/?digest=${sha256('expected')}`, {
    method: 'POST',
    body: 'other',
  });
  expect(await errorCode(whole)).toBe('DIGEST_INVALID');
  expect(await state.uploads()).toEqual([]);
  expect(await state.hasBlob(sha256('arrived'))).toBe(false);
  expect((await fetch(at)).status).toBe(404);
});

test('an upload can be cancelled and is unknown to other repositories', async () => {
  const { url } = await fixture.start();
  const at = await open(url);
  expect((await fetch(at.replace('/v2/a/', '/v2/b/'))).status).toBe(404);
  expect((await fetch(at, { method: 'DELETE' })).status).toBe(204);
  expect((await fetch(at)).status).toBe(404);
});

test.each(['PATCH', 'PUT'])('a %s that is cut leaves no blob, and goes on from what arrived', async (method) => {
  const server = await fixture.start();
  const content = Buffer.alloc(300_000, 'slipway ');
  const digest = sha256(content);
  const at = await open(server.url);
  await cut(server, `${at}&digest=${digest}`, method, content.subarray(0, 200_000), content.length);
  expect(await server.state.hasBlob(digest)).toBe(false);
  const status = await fetch(at);
  const received = Number(status.headers.get('range')?.split('-')[1]) + 1;
  expect(received).toBe(200_000);
  const rest = new Uint8Array(content.subarray(received));
  const done = await fetch(`${location(server.url, status)}&digest=${digest}`, { method: 'PUT', body: rest });
  expect(done.status).toBe(201);
  expect(await server.state.hasBlob(digest, 'a')).toBe(true);
});

test('a whole upload in one POST that is cut leaves nothing', async () => {
  const { url, state, ...server } = await fixture.start();
  const content = Buffer.alloc(100_000, 'x');
  const at = `${url}/v2/a/blobs/uploads/?digest=${sha256(content)}`;
  await cut({ url, state, ...server }, at, 'POST', content.subarray(0, 50_000), content.length);
  await expect.poll(() => state.uploads()).toEqual([]);
  expect(await state.hasBlob(sha256(content))).toBe(false);
});

/** Promises `length` bytes, sends some, waits until the server has them, and hangs up. */
async function cut(server: RegistryServer, url: string, method: string, sent: Buffer, length: number): Promise<void> {
  const before = server.requests.length;
  const outgoing = request(url, { method, headers: { 'content-length': length } });
  outgoing.on('error', () => undefined);
  outgoing.write(sent);
  await expect.poll(() => server.requests.length).toBeGreaterThan(before);
  await expect.poll(() => receivedBytes(server)).toBe(sent.length);
  outgoing.destroy();
}

async function receivedBytes(server: RegistryServer): Promise<number> {
  const sizes = (await server.state.uploads()).map(({ size }) => size);
  return sizes[0] ?? 0;
}

test('two requests to one upload wait for each other', async () => {
  const { url } = await fixture.start();
  const at = await open(url);
  const answers = await Promise.all([patch(at, 0, 'aaaa'), patch(at, 0, 'bbbb')]);
  expect(answers.map(({ status }) => status).sort()).toEqual([202, 416]);
});

test('the same blob pushed many times at once is one blob', async () => {
  const { url, state } = await fixture.start();
  const digest = sha256('same');
  const addresses = await Promise.all(Array.from({ length: 10 }, () => open(url)));
  const answers = await Promise.all(addresses.map((at) => finish(at, digest, 'same')));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  expect(await state.blobs('a')).toEqual([digest]);
});
