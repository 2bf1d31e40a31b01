import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createDispatcher, send } from './http.ts';
import { readProxies } from './http-proxy.ts';

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Starts a proxy that opens tunnels for who knows its password, all to `port`. */
function startProxy(port: number, asked: string[]): Promise<number> {
  const proxy = createServer();
  proxy.on('connect', (request, socket) => {
    asked.push(request.url ?? '');
    if (request.headers['proxy-authorization'] !== `Basic ${Buffer.from('me:p@ss').toString('base64')}`) {
      return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    }
    const upstream = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    socket.on('error', () => upstream.destroy());
    return upstream.on('error', () => socket.destroy());
  });
  return listen(proxy);
}

it.each([
  ['me:p%40ss@', 'hello'],
  ['', /the proxy 127\.0\.0\.1:\d+ answered 407 .*user and password/],
])('goes through the proxy of the environment (%s)', async (credentials, outcome) => {
  const asked: string[] = [];
  const port = await listen(createServer((_, response) => response.end('hello')));
  const proxy = await startProxy(port, asked);
  vi.stubEnv('HTTP_PROXY', `http://${credentials}127.0.0.1:${proxy}`);
  vi.stubEnv('NO_PROXY', '');
  onTestFinished(() => vi.unstubAllEnvs() && undefined);
  const dispatcher = createDispatcher();
  onTestFinished(() => dispatcher.destroy());
  const url = new URL('http://registry.invalid:5000/');
  const answer = send({ method: 'GET', url, dispatcher }).then(({ body }) => text(body));
  if (typeof outcome === 'string') expect(await answer).toBe(outcome);
  else await expect(answer).rejects.toThrow(outcome);
  expect(asked).toEqual(['registry.invalid:5000']);
});

it.each([
  ['example.com', false],
  ['.example.com', false],
  ['*.example.com', false],
  ['other.org, registry.example.com', false],
  ['registry.example.com:443', false],
  ['*', false],
  ['registry.example.com:5000', true],
  ['ample.com', true],
  ['', true],
])('with NO_PROXY=%s uses the proxy: %s', (exceptions, wanted) => {
  const proxies = readProxies({ https_proxy: 'http://proxy:3128', no_proxy: exceptions });
  expect(proxies(new URL('https://registry.example.com/')) !== undefined).toBe(wanted);
  expect(proxies(new URL('http://registry.example.com/'))).toBeUndefined();
});

it.each([
  ['fd00::1', 'https://[fd00::1]:5000/', false],
  ['fd00:0:0::0001', 'https://[fd00::1]/', false],
  ['[fd00::1]:5000', 'https://[fd00::1]:5000/', false],
  ['[fd00::1]:5000', 'https://[fd00::1]/', true],
  ['fd00::2', 'https://[fd00::1]/', true],
  ['::1', 'https://registry.example.com/', true],
])('with NO_PROXY=%s uses the proxy for %s: %s', (exceptions, address, wanted) => {
  const proxies = readProxies({ https_proxy: 'http://proxy:3128', no_proxy: exceptions });
  expect(proxies(new URL(address)) !== undefined).toBe(wanted);
});

it.each([
  ['https://localhost:5000/', false],
  ['http://127.0.0.1:5000/', false],
  ['https://127.1.2.3/', false],
  ['https://[::1]:5000/', false],
  ['https://127.example.com/', true],
  ['https://localhost.example.com/', true],
])('asks the proxy for %s: %s', (address, wanted) => {
  const proxies = readProxies({ HTTPS_PROXY: 'http://proxy:3128', HTTP_PROXY: 'http://proxy:3128' });
  expect(proxies(new URL(address)) !== undefined).toBe(wanted);
});

it('refuses a password with a % that begins no escape, without showing it', () => {
  const message = 'holds a user or password in which a % begins no escape; write each such % as %25';
  expect(() => readProxies({ HTTPS_PROXY: 'http://me:100%secret@proxy:3128' })).toThrow(
    `The environment variable HTTPS_PROXY ${message}.`,
  );
});

it('refuses a proxy that is no address, by name', () => {
  expect(() => readProxies({ HTTPS_PROXY: 'proxy.example.com:3128' })).toThrow(/HTTPS_PROXY holds no address/);
});
