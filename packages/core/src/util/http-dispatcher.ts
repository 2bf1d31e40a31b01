import { isIP, type NetConnectOpts, type Socket } from 'node:net';
import { type Answer, Connection, ConnectionError, type Message } from './http-connection.ts';
import { openTunnel, type Proxies, readProxies } from './http-proxy.ts';
import { openEncrypted, openPlain } from './http-socket.ts';
import { readBuffers } from './read-buffers.ts';

/** Milliseconds after which an idle connection is not trusted any more: servers close them, many after five seconds. */
const TRUSTED = 4000;

/** Milliseconds that the server's last word about a connection may need to arrive. */
const MARGIN = 1000;

/** Requests that do no harm when they arrive twice; https://www.rfc-editor.org/rfc/rfc9110#name-idempotent-methods. */
const SAFE = new Set(['GET', 'HEAD']);

export interface DispatcherOptions {
  /** PEM certificates to trust, instead of the system's. */
  readonly ca?: readonly string[];
  /** Connections to one server at the most. */
  readonly connections: number;
}

/**
 * Sends requests over connections that are kept: to each server as many as are needed at once, up to a limit, and the one
 * that was used last is used first.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #servers = new Map<string, Server>();
  readonly #proxies: Proxies;

  /** Throws a ConfigurationError when the environment names a proxy and that is no address. */
  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#proxies = readProxies(process.env);
  }

  /** Sends one request; throws what the connection failed with. */
  dispatch(message: Message): Promise<Answer> {
    const { origin } = message.url;
    let server = this.#servers.get(origin);
    if (server === undefined) {
      server = new Server(message.url, this.#options, this.#proxies(message.url));
      this.#servers.set(origin, server);
    }
    return server.dispatch(message);
  }

  /** Closes every connection, whatever goes over it; nothing can be sent afterwards. */
  async destroy(): Promise<void> {
    for (const server of this.#servers.values()) server.destroy();
  }
}

/** A request that waits for a connection. */
interface Waiting {
  readonly take: (connection: Connection) => void;
  readonly give: (error: unknown) => void;
}

/** The connections to one server. */
class Server {
  readonly #url: URL;
  readonly #options: DispatcherOptions;
  readonly #proxy: URL | undefined;
  readonly #all = new Set<Connection>();
  /** The last one is the one that was used last. */
  readonly #idle: { readonly connection: Connection; readonly since: number }[] = [];
  readonly #waiting: Waiting[] = [];
  #connecting = 0;
  #destroyed = false;
  /** What makes the next handshake a short one; https://nodejs.org/api/tls.html#session-resumption. */
  #session: Buffer | undefined;

  constructor(url: URL, options: DispatcherOptions, proxy: URL | undefined) {
    this.#url = url;
    this.#options = options;
    this.#proxy = proxy;
  }

  async dispatch(message: Message): Promise<Answer> {
    const connection = await this.#take();
    const reused = connection.uses > 0;
    try {
      return await connection.send(message);
    } catch (error) {
      // The server may have closed the connection while this request was on its way to it.
      if (!reused || !SAFE.has(message.method) || this.#destroyed || !isClosed(error)) throw error;
      return (await this.#connect()).send(message);
    }
  }

  destroy(): void {
    this.#destroyed = true;
    for (const connection of this.#all) connection.destroy();
    for (const { give } of this.#waiting.splice(0)) give(closedByUs());
  }

  #take(): Promise<Connection> {
    if (this.#destroyed) return Promise.reject(closedByUs());
    const idle = this.#takeIdle();
    if (idle !== undefined) return Promise.resolve(idle);
    return new Promise((take, give) => {
      this.#waiting.push({ take, give });
      this.#grow();
    });
  }

  #takeIdle(): Connection | undefined {
    for (let last = this.#idle.pop(); last !== undefined; last = this.#idle.pop()) {
      const { connection, since } = last;
      const trusted = Math.min(TRUSTED, (connection.keptFor ?? Infinity) - MARGIN);
      if (connection.usable && performance.now() - since < trusted) return connection;
      connection.destroy();
    }
    return undefined;
  }

  /** Opens connections for those who wait, as far as the limit allows. */
  #grow(): void {
    while (this.#connecting < this.#waiting.length && this.#all.size + this.#connecting < this.#options.connections) {
      this.#connecting += 1;
      this.#connect().then(
        (connection) => {
          this.#connecting -= 1;
          this.#offer(connection);
        },
        (error: unknown) => {
          this.#connecting -= 1;
          this.#waiting.shift()?.give(error);
          this.#grow();
        },
      );
    }
  }

  #offer(connection: Connection): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push({ connection, since: performance.now() });
    else next.take(connection);
  }

  async #connect(): Promise<Connection> {
    const socket = await this.#open();
    if (this.#destroyed) {
      socket.destroy();
      throw closedByUs();
    }
    const connection: Connection = new Connection(socket, readBuffers, (usable) => {
      if (usable) return this.#offer(connection);
      this.#all.delete(connection);
      this.#grow();
    });
    this.#all.add(connection);
    return connection;
  }

  async #open(): Promise<Socket> {
    const { protocol, hostname, port } = this.#url;
    const encrypted = protocol === 'https:';
    // Addresses of version 6 stand in brackets.
    const host = hostname.replace(/^\[|\]$/g, '');
    const to = { host, port: Number(port || (encrypted ? 443 : 80)) };
    const tunnel = this.#proxy === undefined ? undefined : await openTunnel(this.#proxy, `${hostname}:${to.port}`);
    if (!encrypted) return tunnel ?? openPlain({ ...to, noDelay: true, onread: readBuffers.onread } as NetConnectOpts);
    // TLS reads 16 KiB at a time, and gains nothing by memory that is used again.
    const socket = await openEncrypted({
      ...(tunnel === undefined ? to : { socket: tunnel, host }),
      ...(isIP(host) === 0 && { servername: host }),
      ...(this.#options.ca !== undefined && { ca: [...this.#options.ca] }),
      ...(this.#session !== undefined && { session: this.#session }),
      ALPNProtocols: ['http/1.1'],
    });
    socket.on('session', (session: Buffer) => {
      this.#session = session;
    });
    return socket.setNoDelay(true);
  }
}

function closedByUs(): ConnectionError {
  return new ConnectionError('CLOSED', 'the connections were closed');
}

function isClosed(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'CLOSED' || code === 'ECONNRESET' || code === 'EPIPE';
}
