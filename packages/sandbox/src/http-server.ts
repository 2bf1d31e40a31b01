import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { applyFault, type Fault, FaultQueue } from './faults.ts';

/** One request that a sandbox server answered; tests count them and look at what was sent. */
export interface RequestRecord {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** 0 while there is no answer, and for good when the connection was reset. */
  status: number;
  /** Bytes of its body that have come so far, whatever became of them. */
  received: number;
}

export interface ListenOptions {
  /** 0 (the default) lets the system choose. */
  readonly port?: number;
  /** PEM texts; given, the server speaks TLS. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface ListeningServer {
  readonly url: string;
  readonly port: number;
  /** Every request so far, oldest first. */
  readonly requests: RequestRecord[];
  failNext(fault: Fault): void;
  /** Stops listening and closes open connections; resolves when the port is free. */
  close(): Promise<void>;
}

export type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void> | void;

/**
 * Listens on 127.0.0.1 and answers with `handle`; every sandbox server stands on this one, so that faults, the record
 * of requests and closing are the same everywhere.
 */
export async function listen(options: ListenOptions, handle: Handler): Promise<ListeningServer> {
  const requests: RequestRecord[] = [];
  const faults = new FaultQueue();
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const method = request.method ?? 'GET';
    const path = request.url ?? '/';
    const record: RequestRecord = { method, path, headers: request.headers, status: 0, received: 0 };
    requests.push(record);
    countBody(request, record);
    response.on('close', () => {
      if (response.headersSent) record.status = response.statusCode;
    });
    request.on('error', () => response.destroy());
    const fault = faults.take(method, path);
    if (fault !== undefined && applyFault(fault, request, response)) return;
    Promise.resolve()
      .then(() => handle(request, response, new URL(path, `http://${request.headers.host ?? 'localhost'}`)))
      .catch((error: unknown) => {
        if (response.headersSent || response.destroyed) return response.destroy();
        response.writeHead(500, { 'content-type': 'text/plain' });
        return response.end(error instanceof Error ? (error.stack ?? error.message) : String(error));
      });
  };
  const server: Server = options.tls === undefined ? createServer(answer) : createTlsServer(options.tls, answer);
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    requests,
    failNext: (fault) => faults.add(fault),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Counts the bytes where they come in: a listener would set the body flowing before the one who handles it reads it. */
function countBody(request: IncomingMessage, record: RequestRecord): void {
  const push = request.push.bind(request);
  request.push = (chunk: Buffer | null, encoding) => {
    record.received += chunk?.length ?? 0;
    return push(chunk, encoding);
  };
}

/** Reads a whole request body; `limit` bytes at most (default 32 MiB). */
export async function readBody(request: IncomingMessage, limit = 32 * 1024 * 1024): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new Error(`request body is larger than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body);
  response.statusCode = status;
  // Not writeHead: what it is given cannot be asked for afterwards, and the fault `truncate` asks for the length.
  response.setHeader('content-type', 'application/json; charset=utf-8');
  response.setHeader('content-length', Buffer.byteLength(text));
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(text);
}
