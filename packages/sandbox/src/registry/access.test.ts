import { afterEach, describe, expect, test } from 'vitest';
import { basic, errorCode, RegistryFixture, sha256 } from './registry-fixture.ts';

const fixture = new RegistryFixture();
afterEach(() => fixture.cleanUp());

const credentials = [
  { username: 'maker', password: 'pass:word' },
  { username: 'reader', password: 'secret', readOnly: true },
];

test('passwords: no or a wrong one is challenged, a reader may not push', async () => {
  const { url } = await fixture.start({ auth: 'basic', credentials });
  const none = await fetch(`${url}/v2/`);
  expect([none.status, await errorCode(none)]).toEqual([401, 'UNAUTHORIZED']);
  expect(none.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
  expect((await fetch(`${url}/v2/`, { headers: basic('maker', 'wrong') })).status).toBe(401);
  const post = (headers: { authorization: string }): Promise<Response> =>
    fetch(`${url}/v2/a/blobs/uploads/`, { method: 'POST', headers });
  expect((await post(basic('maker', 'pass:word'))).status).toBe(202);
  const denied = await post(basic('reader', 'secret'));
  expect([denied.status, await errorCode(denied)]).toEqual([403, 'DENIED']);
});

describe('tokens', () => {
  const tokenOf = async (url: string, query: string, headers: Record<string, string> = {}): Promise<string> => {
    const answer: unknown = await (await fetch(`${url}/token?${query}`, { headers })).json();
    return String(answer instanceof Object && 'token' in answer ? answer.token : undefined);
  };
  const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` });

  test('are asked for with the scope that is missing', async () => {
    const { url } = await fixture.start({ auth: 'token', credentials });
    const base = await fetch(`${url}/v2/`);
    expect(base.headers.get('www-authenticate')).toBe(`Bearer realm="${url}/token",service="sandbox-registry"`);
    const mount = await fetch(`${url}/v2/a/blobs/uploads/?mount=${sha256('x')}&from=b`, { method: 'POST' });
    expect(mount.headers.get('www-authenticate')).toContain('scope="repository:a:pull,push repository:b:pull"');
  });

  test('are good for their repository and actions, and for no others', async () => {
    const { url } = await fixture.start({ auth: 'token', credentials });
    const token = await tokenOf(url, 'scope=repository:a:pull,push', basic('maker', 'pass:word'));
    const post = (repository: string): Promise<Response> =>
      fetch(`${url}/v2/${repository}/blobs/uploads/`, { method: 'POST', headers: bearer(token) });
    expect((await post('a')).status).toBe(202);
    const other = await post('b');
    expect(other.status).toBe(401);
    expect(other.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
    const removal = { method: 'DELETE', headers: bearer(token) };
    expect((await fetch(`${url}/v2/a/manifests/v1`, removal)).status).toBe(401);
    const all = await tokenOf(url, 'scope=repository:a:*', basic('maker', 'pass:word'));
    expect((await fetch(`${url}/v2/a/manifests/v1`, { method: 'DELETE', headers: bearer(all) })).status).toBe(404);
    const readers = await tokenOf(url, 'scope=repository:a:pull,push', basic('reader', 'secret'));
    const refused = await fetch(`${url}/v2/a/blobs/uploads/`, { method: 'POST', headers: bearer(readers) });
    expect(refused.status).toBe(401);
  });

  test('expire, and are refused when changed', async () => {
    let now = 1_000_000;
    const { url } = await fixture.start({ auth: 'token', credentials, tokenSeconds: 60, now: () => now });
    const token = await tokenOf(url, '', basic('maker', 'pass:word'));
    const ask = async (text: string): Promise<number> => (await fetch(`${url}/v2/`, { headers: bearer(text) })).status;
    now += 59_999;
    expect(await ask(token)).toBe(200);
    expect(await ask(token.replace(/^./, (first) => (first === 'e' ? 'f' : 'e')))).toBe(401);
    now += 1;
    expect(await ask(token)).toBe(401);
  });

  test('without credentials pull when that is allowed, and never push', async () => {
    for (const anonymousPull of [true, false]) {
      const { url } = await fixture.start({ auth: 'token', credentials, anonymousPull });
      const token = await tokenOf(url, 'scope=repository:a:pull,push');
      const head = await fetch(`${url}/v2/a/manifests/v1`, { headers: bearer(token) });
      expect(head.status).toBe(anonymousPull ? 404 : 401);
      const post = await fetch(`${url}/v2/a/blobs/uploads/`, { method: 'POST', headers: bearer(token) });
      expect(post.status).toBe(401);
    }
    const { url } = await fixture.start({ auth: 'token', credentials });
    expect((await fetch(`${url}/token`, { headers: basic('maker', 'wrong') })).status).toBe(401);
  });

  test('come for a form too, and for a refresh token', async () => {
    const { url } = await fixture.start({ auth: 'token', credentials });
    const post = (fields: Record<string, string>): Promise<Response> =>
      fetch(`${url}/token`, { method: 'POST', body: new URLSearchParams({ scope: 'repository:a:pull', ...fields }) });
    const login = { grant_type: 'password', username: 'maker', password: 'pass:word', access_type: 'offline' };
    const first = await post(login);
    expect(first.status).toBe(200);
    const answer: unknown = await first.json();
    expect(answer).toMatchObject({ scope: 'repository:a:pull', expires_in: 300 });
    expect(answer).not.toHaveProperty('token');
    const refresh = String(answer instanceof Object && 'refresh_token' in answer ? answer.refresh_token : '');
    expect((await fetch(`${url}/v2/`, { headers: bearer(refresh) })).status).toBe(401);
    const second: unknown = await (await post({ grant_type: 'refresh_token', refresh_token: refresh })).json();
    const access = String(second instanceof Object && 'access_token' in second ? second.access_token : '');
    expect((await fetch(`${url}/v2/a/manifests/v1`, { headers: bearer(access) })).status).toBe(404);
    expect((await post({ ...login, password: 'wrong' })).status).toBe(401);
    expect((await post({ grant_type: 'refresh_token', refresh_token: `${refresh}x` })).status).toBe(401);
    expect((await post({ grant_type: 'magic' })).status).toBe(400);
  });

  test('outlive a restart', async () => {
    const directory = await fixture.directory();
    const first = await fixture.start({ directory, auth: 'token', credentials });
    const token = await tokenOf(first.url, '', basic('maker', 'pass:word'));
    await first.close();
    const second = await fixture.start({ directory, auth: 'token', credentials });
    expect((await fetch(`${second.url}/v2/`, { headers: bearer(token) })).status).toBe(200);
  });
});
