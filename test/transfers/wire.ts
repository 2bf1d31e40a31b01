import { Agent, request as ask, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { Ambush, type Mischief, type WireFault } from './wire-fault.ts';

/** What went over a wire so far. */
export interface Traffic {
  readonly requests: number;
  /** Bytes of bodies, of requests and answers together. */
  readonly bytes: number;
}

/** One request that came to a wire. */
export interface WireRecord {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  /** Bytes of the answer's body that were passed on. */
  answered: number;
}

/** Milliseconds in which bytes that were written arrive on the other side of loopback; nothing is decided by it. */
const ARRIVAL = 10;

/**
 * The way between an action and a server, on which everything can go wrong: it passes requests on as they are, and does
 * to some of them what the servers of the sandbox cannot do to themselves.
 */
export class Wire {
  readonly url: string;
  readonly requests: WireRecord[] = [];
  readonly #server: Server;
  #upstream: URL;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #ambushes: Ambush[] = [];
  readonly #traffic = { requests: 0, bytes: 0 };
  readonly #running = new Set<Promise<void>>();
  #watch: (traffic: Traffic) => void = () => undefined;

  private constructor(server: Server, upstream: string) {
    this.#server = server;
    this.#upstream = new URL(upstream);
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      if (this.#ambushes.some((ambush) => ambush.strikes(undefined))) socket.resetAndDestroy();
    });
    server.on('request', (request, response) => {
      request.on('error', () => undefined);
      response.on('error', () => undefined);
      const { socket } = request;
      // Whatever fails between the two fails for both.
      const work: Promise<void> = this.#pass(request, response)
        .catch(() => void socket.resetAndDestroy())
        .finally(() => this.#running.delete(work));
      this.#running.add(work);
    });
  }

  static async open(upstream: string): Promise<Wire> {
    const server = createServer();
    server.requestTimeout = 0;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Wire(server, upstream);
  }

  /** Lays a fault in wait; what is returned tells how often it has struck. */
  lay(fault: WireFault): Ambush {
    const ambush = new Ambush(fault);
    this.#ambushes.push(ambush);
    return ambush;
  }

  /** Leads to another server from now on. */
  leadTo(upstream: string): void {
    this.#upstream = new URL(upstream);
  }

  get traffic(): Traffic {
    return { ...this.#traffic };
  }

  /** Calls `watch` each time that something has come, before it is passed on. */
  onTraffic(watch: (traffic: Traffic) => void): void {
    this.#watch = watch;
  }

  /** Waits until nothing is under way any more. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/', headers, socket } = request;
    const record: WireRecord = { method, path, authorization: headers.authorization, answered: 0 };
    this.requests.push(record);
    this.#traffic.requests += 1;
    this.#tell();
    const mischief = this.#ambushes.find((ambush) => ambush.strikes(request))?.fault.mischief;
    if (mischief?.kind === 'answer') return answerInstead(mischief, request, response);
    if (mischief?.kind === 'reset' && mischief.at === 'request head') return void socket.resetAndDestroy();
    const answer = await this.#forward(request, mischief);
    if (mischief?.kind === 'reset' || mischief?.kind === 'stall') {
      if (mischief.at === 'answer body') return this.#answerPart(answer, response, mischief);
      await drain(answer);
      if (mischief.kind === 'stall') return;
      if (mischief.at === 'answer head') await write(socket, Buffer.from('HTTP/1.1 2'));
      socket.resetAndDestroy();
      return;
    }
    if (mischief?.kind === 'truncate') return this.#answerPart(answer, response, mischief);
    await this.#answer(answer, response, record, mischief);
  }

  /** Sends a request on and returns the answer once its head is there. */
  async #forward(request: IncomingMessage, mischief: Mischief | undefined): Promise<IncomingMessage> {
    const { method, url: path, headers, socket } = request;
    const { hostname, port } = this.#upstream;
    const onward = ask({ hostname, port, method, path, headers, agent: this.#agent });
    const giveUp = (): void => void onward.destroy();
    socket.once('close', giveUp);
    onward.once('close', () => socket.off('close', giveUp));
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      onward.once('response', resolve);
      onward.once('error', reject);
    });
    // An answer may come before the request has ended, and then the answer counts.
    const sent = pipeline(this.#requestBody(request, mischief), onward).catch(() => undefined);
    const [answer] = await Promise.all([answered, sent]);
    return answer;
  }

  async *#requestBody(request: IncomingMessage, mischief: Mischief | undefined): AsyncGenerator<Buffer> {
    const breaksOff = mischief?.kind === 'reset' && mischief.at === 'request body' ? mischief : undefined;
    const spoilt = mischief?.kind === 'spoil request' ? (mischief.byte ?? 0) : undefined;
    let passed = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      this.#count(chunk);
      const limit = (breaksOff?.bytes ?? 1) - passed;
      if (breaksOff !== undefined && chunk.length >= limit) {
        yield chunk.subarray(0, limit);
        await wait(ARRIVAL);
        request.socket.resetAndDestroy();
        throw new Error('the connection was cut in the request');
      }
      yield spoilt === undefined ? chunk : spoil(chunk, spoilt - passed);
      passed += chunk.length;
    }
  }

  async #answer(
    answer: IncomingMessage,
    response: ServerResponse,
    record: WireRecord,
    mischief: Mischief | undefined,
  ): Promise<void> {
    const headers = mischief?.kind === 'headers' ? change(answer.headers, mischief.headers) : answer.headers;
    response.writeHead(answer.statusCode ?? 502, headers);
    await pipeline(this.#answerBody(answer, record, mischief), response);
    // A length that is too great is told, but the rest never comes.
    if (mischief?.kind === 'headers' && 'content-length' in mischief.headers) response.socket?.end();
  }

  async *#answerBody(
    answer: IncomingMessage,
    record: WireRecord,
    mischief: Mischief | undefined,
  ): AsyncGenerator<Buffer> {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      this.#count(chunk);
      if (mischief?.kind === 'drip') yield* dripped(chunk, mischief);
      else yield mischief?.kind === 'spoil answer' ? spoil(chunk, (mischief.byte ?? 0) - record.answered) : chunk;
      record.answered += chunk.length;
    }
  }

  /** Passes on the first bytes of an answer's body, and then does what is left to do. */
  async #answerPart(
    answer: IncomingMessage,
    response: ServerResponse,
    { kind, bytes = 1 }: { readonly kind: 'reset' | 'stall' | 'truncate'; readonly bytes?: number },
  ): Promise<void> {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    let left = bytes;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      this.#count(chunk);
      if (left > 0) await write(response, chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) break;
    }
    const { socket } = response;
    await wait(ARRIVAL);
    if (kind === 'reset') socket?.resetAndDestroy();
    if (kind === 'truncate') socket?.end();
  }

  #count(chunk: Buffer): void {
    this.#traffic.bytes += chunk.length;
    this.#tell();
  }

  #tell(): void {
    this.#watch(this.#traffic);
  }
}

async function answerInstead(
  { status, headers, body = '' }: Extract<Mischief, { kind: 'answer' }>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  await drain(request);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function drain(stream: IncomingMessage): Promise<void> {
  for await (const _ of stream);
}

function write(to: NodeJS.WritableStream, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => to.write(bytes, () => resolve()));
}

function spoil(chunk: Buffer, at: number): Buffer {
  const byte = chunk[at];
  if (byte === undefined) return chunk;
  const changed = Buffer.from(chunk);
  changed[at] = byte ^ 0xff;
  return changed;
}

async function* dripped(
  chunk: Buffer,
  { bytes, pause }: { readonly bytes: number; readonly pause: number },
): AsyncGenerator<Buffer> {
  for (let at = 0; at < chunk.length; at += bytes) {
    yield chunk.subarray(at, at + bytes);
    await wait(pause);
  }
}

function change(
  headers: IncomingMessage['headers'],
  changes: Readonly<Record<string, string>>,
): IncomingMessage['headers'] {
  const changed = { ...headers, ...changes };
  for (const [name, value] of Object.entries(changes)) if (value === '') delete changed[name];
  return changed;
}
