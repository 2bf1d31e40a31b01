import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What a network between the client and a server is like. */
export interface Network {
  /** Milliseconds from one end to the other; an answer takes twice as long, and so does a connection before its first byte. */
  readonly delay: number;
  /** Bytes a second in each direction, of all connections together; undefined is as fast as the machine. */
  readonly bandwidth?: number;
  /** Whether every connection has that bandwidth for itself, as at servers that limit each one. */
  readonly perConnection?: boolean;
}

export interface Proxy {
  /** `127.0.0.1:<port>`. */
  readonly name: string;
  close(): Promise<void>;
}

/**
 * Bytes of one connection and direction that are on the way at most, as the send buffer of Linux holds them (4 MiB,
 * `net.ipv4.tcp_wmem`). There is no slow start: real networks are kinder to those who keep their connections.
 */
const WINDOW = 4 * 1024 * 1024;

/** Starts a proxy on loopback in front of a port of this machine that is as slow as the network. */
export async function startProxy(port: number, network: Network): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const shared = [new Link(network), new Link(network)] as const;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const [up, down] = network.perConnection === true ? [new Link(network), new Link(network)] : shared;
    const upstream = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.once('close', () => {
        sockets.delete(socket);
        // One that was ended properly may still have bytes on the way.
        if (!socket.readableEnded) (socket === client ? upstream : client).destroy();
      });
      // The other side is closed then; whoever sent notices.
      socket.on('error', () => undefined);
    }
    // The client knows itself connected at once; on a network it would not before an answer has come.
    up.carry(client, upstream, performance.now() + 2 * network.delay);
    down.carry(upstream, client, 0);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  return {
    name: `127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** One direction of the network, shared by all connections. */
class Link {
  readonly #network: Network;
  /** When the last byte that was taken in has passed the narrowest place. */
  #free = 0;

  constructor(network: Network) {
    this.#network = network;
  }

  /** Carries everything from one socket to another; nothing sets off before `open`, in the milliseconds of `performance`. */
  carry(from: Socket, to: Socket, open: number): void {
    let underway = 0;
    const acknowledge = (bytes: number): void => {
      underway -= bytes;
      if (underway < WINDOW) from.resume();
    };
    const queue = new Queue();
    from.on('data', (data: Buffer) => {
      underway += data.length;
      if (underway >= WINDOW) from.pause();
      queue.add(this.#arrival(data.length, open), () => {
        if (to.destroyed) return;
        to.write(data, () => setTimeout(acknowledge, this.#network.delay, data.length));
      });
    });
    from.on('end', () => queue.add(this.#arrival(0, open), () => to.end()));
  }

  #arrival(bytes: number, open: number): number {
    const { delay, bandwidth } = this.#network;
    this.#free = Math.max(performance.now(), this.#free);
    if (bandwidth !== undefined) this.#free += (bytes / bandwidth) * 1000;
    return Math.max(this.#free, open) + delay;
  }
}

/** Does things at their time and in their order; timers alone keep no order among themselves. */
class Queue {
  readonly #waiting: { readonly time: number; readonly work: () => void }[] = [];

  add(time: number, work: () => void): void {
    this.#waiting.push({ time, work });
    if (this.#waiting.length === 1) this.#wait();
  }

  #wait(): void {
    const [next] = this.#waiting;
    if (next !== undefined) setTimeout(() => this.#work(), Math.max(0, Math.ceil(next.time - performance.now())));
  }

  #work(): void {
    const now = performance.now();
    const later = this.#waiting.findIndex(({ time }) => time > now);
    const due = this.#waiting.splice(0, later === -1 ? this.#waiting.length : later);
    for (const { work } of due) work();
    this.#wait();
  }
}
