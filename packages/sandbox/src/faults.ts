import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * A deliberate fault, applied to the next requests that match.
 *
 * - `reset` closes the connection without an answer;
 * - `status` answers with `status`, `headers` and `body` instead of handling the request;
 * - `truncate` sends the real answer but closes the connection after `bytes` bytes of the body (default: half of it);
 * - `corrupt` sends the real answer with the first byte of its body changed, the length kept;
 * - `drip` sends the real answer in pieces of `bytes` bytes (default 1024), `delay` milliseconds apart (default 50);
 * - `lose-reply` handles the request, then closes the connection: the work is done and the caller does not know.
 */
export type Fault = { readonly method?: string; readonly path?: RegExp; readonly times?: number } & (
  | { readonly kind: 'reset' | 'corrupt' | 'lose-reply' }
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  | { readonly kind: 'truncate'; readonly bytes?: number }
  | { readonly kind: 'drip'; readonly bytes?: number; readonly delay?: number }
);

/** Keeps the faults that are still to happen and hands each to the request it is meant for. */
export class FaultQueue {
  readonly #waiting: { fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    this.#waiting.push({ fault, left: fault.times ?? 1 });
  }

  /** Takes the first fault that matches; a fault without `method` or `path` matches every request. */
  take(method: string, path: string): Fault | undefined {
    const index = this.#waiting.findIndex(
      ({ fault }) =>
        (fault.method === undefined || fault.method === method) && (fault.path === undefined || fault.path.test(path)),
    );
    const found = this.#waiting[index];
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left === 0) this.#waiting.splice(index, 1);
    return found.fault;
  }
}

/**
 * Applies a fault to one request. Returns true when the request is answered (or dropped) and must not be handled;
 * for faults of the answer it wraps `response` and returns false.
 */
export function applyFault(fault: Fault, request: IncomingMessage, response: ServerResponse): boolean {
  switch (fault.kind) {
    case 'reset':
      request.socket.destroy();
      return true;
    case 'status':
      request.resume();
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      response.end(fault.body ?? '');
      return true;
    case 'lose-reply':
      spoil(response, () => {
        response.destroy();
        return undefined;
      });
      return false;
    case 'truncate': {
      // A header set beforehand makes node keep those of writeHead readable; this one also closes after the last byte.
      response.setHeader('connection', 'close');
      let left = fault.bytes;
      spoil(response, (chunk) => {
        left ??= Math.floor(Number(response.getHeader('content-length') ?? chunk.length) / 2);
        const kept = chunk.subarray(0, left);
        left -= kept.length;
        return kept;
      });
      return false;
    }
    case 'corrupt': {
      let first = true;
      spoil(response, (chunk) => {
        if (!first || chunk.length === 0) return chunk;
        first = false;
        const changed = Buffer.from(chunk);
        changed[0] = (changed[0] ?? 0) ^ 0xff;
        return changed;
      });
      return false;
    }
    case 'drip':
      drip(response, fault.bytes ?? 1024, fault.delay ?? 50);
      return false;
  }
}

type Write = (chunk: unknown, encoding?: unknown, callback?: unknown) => boolean;

/** Runs every chunk of the answer's body through `change`; undefined ends the connection. */
function spoil(response: ServerResponse, change: (chunk: Buffer) => Buffer | undefined): void {
  const write = response.write.bind(response) as Write;
  const end = response.end.bind(response) as (...rest: unknown[]) => ServerResponse;
  response.write = ((chunk: string | Uint8Array, encoding?: unknown, callback?: unknown) => {
    const changed = change(Buffer.from(chunk as Uint8Array));
    if (changed === undefined || response.destroyed) return false;
    return write(changed, encoding, callback);
  }) as typeof response.write;
  response.end = ((chunk?: unknown, ...rest: unknown[]) => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) {
      const changed = change(Buffer.from(chunk as Uint8Array));
      if (changed !== undefined && !response.destroyed) write(changed);
    } else if (change(Buffer.alloc(0)) === undefined) {
      return response;
    }
    return response.destroyed ? response : end(...(typeof chunk === 'function' ? [chunk] : rest));
  }) as typeof response.end;
}

function drip(response: ServerResponse, bytes: number, delay: number): void {
  const write = response.write.bind(response) as Write;
  const end = response.end.bind(response) as () => ServerResponse;
  let queue = Promise.resolve();
  const push = (chunk: Buffer): void => {
    for (let at = 0; at < chunk.length; at += bytes) {
      const piece = chunk.subarray(at, at + bytes);
      queue = queue.then(
        () =>
          new Promise((resolve) => {
            setTimeout(() => {
              if (!response.destroyed) write(piece);
              resolve();
            }, delay);
          }),
      );
    }
  };
  response.write = ((chunk: string | Uint8Array) => {
    push(Buffer.from(chunk as Uint8Array));
    return true;
  }) as typeof response.write;
  response.end = ((chunk?: unknown) => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) push(Buffer.from(chunk as Uint8Array));
    queue = queue.then(() => {
      end();
    });
    return response;
  }) as typeof response.end;
}
