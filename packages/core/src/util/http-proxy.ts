import { once } from 'node:events';
import { isIP, type Socket } from 'node:net';
import { ConfigurationError } from '../errors.ts';
import { HttpSyntaxError, parseHead } from './http-head.ts';
import { limitWait, openEncrypted, openPlain } from './http-socket.ts';

/** The proxies that the environment names: a function that says which one, if any, stands before an address. */
export type Proxies = (url: URL) => URL | undefined;

/**
 * Reads `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; the last holds hosts, with all below them, or `*`. Throws a
 * ConfigurationError for a proxy that is no address.
 *
 * This machine is never reached through a proxy: to the proxy, `localhost` is another machine, and that one would get the
 * credentials. So docker and everything else that is written in Go have it; curl asks the proxy.
 */
export function readProxies(env: NodeJS.ProcessEnv): Proxies {
  const plain = readProxy(env, 'http_proxy', 'HTTP_PROXY');
  const encrypted = readProxy(env, 'https_proxy', 'HTTPS_PROXY') ?? plain;
  const exceptions = (env['no_proxy'] ?? env['NO_PROXY'] ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  return (url) => {
    if (isLoopback(url)) return undefined;
    const proxy = url.protocol === 'https:' ? encrypted : plain;
    return exceptions.some((entry) => covers(entry, url)) ? undefined : proxy;
  };
}

function readProxy(env: NodeJS.ProcessEnv, ...names: readonly string[]): URL | undefined {
  const name = names.find((variable) => env[variable]);
  if (name === undefined) return undefined;
  const url = URL.parse(env[name] ?? '');
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new ConfigurationError(
      'invalid-proxy',
      `The environment variable ${name} holds no address of a proxy; write it as http://proxy.example.com:3128.`,
    );
  }
  if (authorizationFor(url) !== undefined) return url;
  throw new ConfigurationError(
    'invalid-proxy',
    `The environment variable ${name} holds a user or password in which a % begins no escape; write each such % as %25.`,
  );
}

/** Returns the header line that opens a proxy, empty when it needs none; undefined when its password cannot be read. */
function authorizationFor({ username, password }: URL): string | undefined {
  if (username === '') return '';
  try {
    const secret = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
    return `proxy-authorization: Basic ${secret.toString('base64')}\r\n`;
  } catch {
    return undefined;
  }
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
}

/**
 * Tells whether an entry of `NO_PROXY` (`example.com`, `.example.com`, `*.example.com`, `host:port`, `*`, `fd00::1`,
 * `[fd00::1]:port`) means a host.
 */
function covers(entry: string, { hostname, port, protocol }: URL): boolean {
  if (entry === '*') return true;
  const host = isIP(entry) === 6 ? `[${entry}]` : entry.toLowerCase().replace(/^\*?\./, '');
  const [, given = '', wantedPort] = /^(.*?)(?::(\d+))?$/.exec(host) ?? [];
  if (wantedPort !== undefined && wantedPort !== (port || (protocol === 'https:' ? '443' : '80'))) return false;
  // An address of version 6 can be written in many ways.
  const name = given.startsWith('[') ? (URL.parse(`http://${given}`)?.hostname ?? given) : given;
  return hostname === name || hostname.endsWith(`.${name}`);
}

/**
 * Opens a tunnel through a proxy to `target`, `host:port`; throws what the proxy refuses it with.
 *
 * https://www.rfc-editor.org/rfc/rfc9110#name-connect
 */
export async function openTunnel(proxy: URL, target: string): Promise<Socket> {
  const host = proxy.hostname.replace(/^\[|\]$/g, '');
  const to = { host, port: Number(proxy.port || (proxy.protocol === 'https:' ? 443 : 80)) };
  const socket = await (proxy.protocol === 'https:' ? openEncrypted({ ...to, servername: host }) : openPlain(to));
  const done = limitWait(socket);
  try {
    socket.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n${authorizationFor(proxy) ?? ''}\r\n`);
    const { status } = parseHead(await readHead(socket));
    if (status >= 200 && status < 300) return socket;
    throw Object.assign(new Error(`the proxy ${proxy.host} answered ${status}`), { code: 'PROXY_REFUSED' });
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    done();
  }
}

/** Reads until the empty line; a server speaks only when it is spoken to, so nothing can lie behind it. */
async function readHead(socket: Socket): Promise<string> {
  let text = '';
  while (!text.endsWith('\r\n\r\n')) {
    const [bytes] = (await Promise.race([once(socket, 'data'), closed(socket)])) as [Buffer];
    text += bytes.toString('latin1');
    if (text.length > 16 * 1024) throw new HttpSyntaxError('the head of the answer does not end');
  }
  socket.pause();
  return text.slice(0, -4);
}

async function closed(socket: Socket): Promise<never> {
  await once(socket, 'close');
  throw new Error('the proxy closed the connection');
}
