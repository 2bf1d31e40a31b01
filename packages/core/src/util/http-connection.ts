import type { Socket } from 'node:net';
import { ContentError } from './content.ts';
import { BodyDecoder } from './http-body.ts';
import { formatHead, framingOf, type Head, HttpSyntaxError, parseHead } from './http-head.ts';
import type { ReadBuffers } from './read-buffers.ts';

/** A request as a connection sends it. */
export interface Message {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream has to have as many bytes as its `content-length` says. */
  readonly body: Buffer | AsyncIterable<Buffer> | undefined;
  /** Milliseconds the server may take to answer once it has everything. */
  readonly patience: number;
}

export interface Answer extends Head {
  /** Can be read once; must be read to its end or discarded, or the connection is never used again. */
  readonly body: AsyncIterable<Buffer>;
  discard(): Promise<void>;
}

/** Milliseconds without a single byte after which a connection counts as dead; whole transfers have no deadline. */
export const IDLE_TIMEOUT = 60_000;

/** No server has a longer head. */
const LONGEST_HEAD = 128 * 1024;

/** Bytes of an unwanted body that are read at the most: a long rest is cheaper to cut. */
const DISCARDED = 64 * 1024;

/** Pieces of a body that wait for their reader before the socket is told to stop. */
const WAITING = 2;

/** A connection that failed in a way that has a name. */
export class ConnectionError extends Error {
  readonly code: 'CLOSED' | 'NO_ANSWER' | 'STALLED';

  constructor(code: ConnectionError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * One connection to a server, over which one request after the other goes (HTTP/1.1, without pipelining).
 *
 * Node's own client copies every byte of a body once and undici takes as long to load as all the rest of an action: moving
 * gigabytes from one socket to another, and being done in a tenth of a second, are what this is for.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #buffers: ReadBuffers;
  /** Called when the connection can be used again, and when it cannot. */
  readonly #onFree: (usable: boolean) => void;
  #exchange: Exchange | undefined;
  /** How many requests were sent before. */
  uses = 0;
  /** Milliseconds the server keeps an idle connection, as it says; undefined when it does not. */
  keptFor: number | undefined;

  constructor(socket: Socket, buffers: ReadBuffers, onFree: (usable: boolean) => void) {
    this.#socket = socket;
    this.#buffers = buffers;
    this.#onFree = onFree;
    socket.on('data', (bytes: Buffer) => {
      if (this.#exchange === undefined) this.destroy();
      else this.#exchange.read(bytes);
    });
    // A tunnel through a proxy was read before.
    socket.resume();
    socket.on('drain', () => this.#exchange?.drained());
    socket.on('end', () => this.#exchange?.end());
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new ConnectionError('CLOSED', 'the other side closed the connection')));
  }

  get usable(): boolean {
    return !this.#socket.destroyed && this.#socket.writable && this.#exchange === undefined;
  }

  /** Sends a request; the answer may come before all of the body was sent, and the rest is not sent then. */
  async send(message: Message): Promise<Answer> {
    const exchange = new Exchange(this.#socket, this.#buffers, message, (usable) => {
      if (this.#exchange !== exchange) return;
      this.#exchange = undefined;
      if (usable) this.#onFree(true);
      else this.destroy();
    });
    this.#exchange = exchange;
    this.uses += 1;
    const answer = await exchange.run();
    const hint = /\btimeout=(\d+)/.exec(answer.headers['keep-alive'] ?? '')?.[1];
    if (hint !== undefined) this.keptFor = Number(hint) * 1000;
    return answer;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#socket.destroy();
    exchange?.fail(error);
    this.#onFree(false);
  }
}

/** One request and its answer. */
class Exchange {
  readonly #socket: Socket;
  readonly #buffers: ReadBuffers;
  readonly #message: Message;
  readonly #onEnd: (usable: boolean) => void;
  readonly #answered = Promise.withResolvers<Answer>();
  #timer: NodeJS.Timeout | undefined;
  /** What has come of the head. */
  #head = '';
  #answer: Head | undefined;
  #decoder: BodyDecoder | undefined;
  #sentAll = false;
  #failure: { readonly error: Error } | undefined;
  readonly #waiting: Buffer[] = [];
  #discarding = false;
  /** Bytes of the body that nobody wanted. */
  #discarded = 0;
  #ended = false;
  #wakeReader: () => void = nothing;
  #wakeWriter: () => void = nothing;

  constructor(socket: Socket, buffers: ReadBuffers, message: Message, onEnd: (usable: boolean) => void) {
    this.#socket = socket;
    this.#buffers = buffers;
    this.#message = message;
    this.#onEnd = onEnd;
  }

  async run(): Promise<Answer> {
    this.#sendAll().catch((error: unknown) => {
      // The answer came first: what was still to be sent does not matter any more.
      if (this.#answer !== undefined) return;
      this.#answered.reject(error);
      this.#finish(false);
    });
    return this.#answered.promise;
  }

  drained(): void {
    this.#wakeWriter();
  }

  read(bytes: Buffer): void {
    try {
      let rest: Buffer | undefined = bytes;
      if (this.#decoder === undefined) rest = this.#readHead(bytes);
      if (rest !== undefined && rest.length > 0) this.#readBody(rest);
      else this.#buffers.release(bytes);
      if (this.#decoder?.done === true) this.#end();
    } catch (error) {
      this.#breakOff(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** The server sends no more. */
  end(): void {
    if (this.#decoder?.endsWithConnection === true) this.#end();
    else if (!this.#ended) this.#breakOff(new ConnectionError('CLOSED', 'the other side closed the connection'));
  }

  /** The connection is lost. */
  fail(error: Error): void {
    this.#watch(undefined);
    if (!this.#ended) this.#failure ??= { error };
    this.#answered.reject(error);
    this.#wakeReader();
    this.#wakeWriter();
  }

  #breakOff(error: Error): void {
    this.fail(error);
    this.#finish(false);
  }

  async #sendAll(): Promise<void> {
    const { method, url, headers, body, patience } = this.#message;
    const size = Buffer.isBuffer(body) ? { 'content-length': String(body.length) } : undefined;
    const head = formatHead(method, url, { ...headers, ...size, connection: 'keep-alive' });
    if (body === undefined || Buffer.isBuffer(body)) {
      this.#socket.cork();
      this.#socket.write(head, 'latin1');
      if (body !== undefined) this.#socket.write(body);
      this.#socket.uncork();
      this.#sentAll = true;
    } else {
      await this.#sendStream(head, body, Number(headers['content-length']));
    }
    if (this.#answer === undefined) this.#watch(patience, 'NO_ANSWER');
  }

  async #sendStream(head: string, body: AsyncIterable<Buffer>, size: number): Promise<void> {
    if (!Number.isSafeInteger(size)) throw new TypeError('A stream that is sent needs a content-length.');
    let sent = 0;
    const socket = this.#socket;
    socket.cork();
    socket.write(head, 'latin1');
    // The first bytes go with the head if they are there at once, and the head waits for them no longer.
    process.nextTick(() => socket.uncork());
    for await (const chunk of body) {
      if (this.#answer !== undefined) return;
      if (this.#failure !== undefined) throw this.#failure.error;
      sent += chunk.length;
      if (sent > size) break;
      this.#sentAll = sent === size;
      if (!socket.write(chunk, (error) => (error ? undefined : this.#buffers.release(chunk)))) await this.#drain();
    }
    if (this.#answer !== undefined) return;
    if (this.#failure !== undefined) throw this.#failure.error;
    // The server waits for the rest, or takes it for the next request.
    if (sent !== size) throw new ContentError(new Error(`${sent} bytes were to be sent where ${size} were announced`));
  }

  async #drain(): Promise<void> {
    if (this.#failure !== undefined || !this.#socket.writableNeedDrain) return;
    this.#watch(IDLE_TIMEOUT, 'STALLED');
    await new Promise<void>((resolve) => {
      this.#wakeWriter = resolve;
    });
    this.#wakeWriter = nothing;
    if (this.#answer === undefined) this.#watch(undefined);
  }

  /** Returns what lies behind the head, undefined when it has not ended yet. */
  #readHead(bytes: Buffer): Buffer | undefined {
    let rest = bytes;
    while (true) {
      // As a rule all of it comes at once, and what lies behind it, which may be much, is not looked at.
      const found = this.#head === '' ? rest.indexOf('\r\n\r\n') : -1;
      this.#head += rest.toString('latin1', 0, found === -1 ? rest.length : found + 4);
      const end = this.#head.indexOf('\r\n\r\n');
      if ((end === -1 ? this.#head.length : end) > LONGEST_HEAD)
        throw new HttpSyntaxError('the head of the answer does not end');
      if (end === -1) return undefined;
      const head = parseHead(this.#head.slice(0, end));
      rest = rest.subarray(found === -1 ? rest.length - (this.#head.length - end - 4) : found + 4);
      this.#head = '';
      if (head.status === 101) throw new HttpSyntaxError('the server wants another protocol');
      // 1xx only says that the answer will come; https://www.rfc-editor.org/rfc/rfc9110#name-informational-1xx.
      if (head.status >= 200) {
        this.#begin(head);
        return rest;
      }
    }
  }

  #begin(head: Head): void {
    this.#decoder = new BodyDecoder(framingOf(head, this.#message.method));
    this.#answer = head;
    this.#watch(IDLE_TIMEOUT, 'STALLED');
    this.#wakeWriter();
    this.#answered.resolve({
      ...head,
      body: { [Symbol.asyncIterator]: () => this.#readPieces() },
      discard: () => this.#discard(),
    });
  }

  #readBody(bytes: Buffer): void {
    let pieces = 0;
    const behind = this.#decoder?.decode(bytes, (piece) => {
      pieces += 1;
      this.#waiting.push(piece);
    });
    if (behind !== undefined && behind.length > 0) throw new HttpSyntaxError('bytes came behind the answer');
    this.#timer?.refresh();
    if (pieces === 0) this.#buffers.release(bytes);
    if (this.#discarding) this.#drop();
    else if (this.#waiting.length >= WAITING) this.#pause();
    if (pieces > 0) this.#wakeReader();
  }

  /** While nobody reads, silence is no failure of the server. */
  #pause(): void {
    this.#socket.pause();
    this.#watch(undefined);
  }

  #resume(): void {
    if (!this.#socket.isPaused()) return;
    this.#socket.resume();
    this.#watch(IDLE_TIMEOUT, 'STALLED');
  }

  async *#readPieces(): AsyncGenerator<Buffer, void> {
    try {
      while (true) {
        const piece = this.#waiting.shift();
        if (piece !== undefined) {
          yield piece;
          if (this.#waiting.length === 0) this.#resume();
        } else if (this.#failure !== undefined) {
          throw this.#failure.error;
        } else if (this.#ended) {
          return;
        } else {
          await this.#untilRead();
        }
      }
    } finally {
      // Whoever still waits for the rest is told that it will not come.
      if (!this.#ended) this.#breakOff(new ConnectionError('CLOSED', 'the rest was not wanted'));
    }
  }

  async #discard(): Promise<void> {
    this.#discarding = true;
    this.#drop();
    while (!this.#ended && this.#failure === undefined) {
      this.#resume();
      await this.#untilRead();
    }
  }

  #untilRead(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeReader = resolve;
    });
  }

  #drop(): void {
    const size = this.#waiting.reduce((sum, piece) => sum + piece.length, 0);
    for (const piece of this.#waiting.splice(0)) this.#buffers.release(piece);
    this.#discarded += size;
    if (this.#discarded > DISCARDED) this.#breakOff(new ConnectionError('CLOSED', 'the rest was not wanted'));
  }

  /** All of the answer is here. */
  #end(): void {
    this.#ended = true;
    this.#watch(undefined);
    this.#wakeReader();
    // What is still being sent was not wanted; what comes over such a connection next would be taken for more of it.
    this.#finish(this.#sentAll && (this.#answer?.keepsAlive ?? false) && this.#decoder?.endsWithConnection !== true);
  }

  #finish(usable: boolean): void {
    this.#watch(undefined);
    if (usable && this.#socket.isPaused()) this.#socket.resume();
    this.#onEnd(usable);
  }

  #watch(limit: number | undefined, code: 'NO_ANSWER' | 'STALLED' = 'STALLED'): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (limit === undefined) return;
    this.#timer = setTimeout(() => {
      this.#breakOff(new ConnectionError(code, `nothing came for ${limit / 1000} s`));
    }, limit);
  }
}

function nothing(): void {}
