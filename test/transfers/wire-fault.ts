import type { IncomingMessage } from 'node:http';

/** Where in an exchange a connection is cut off. */
export type Moment =
  /** When it is made, before a byte of it. */
  | 'connecting'
  /** When the head of the request has come; the server never hears of it. */
  | 'request head'
  /** After some bytes of the request's body, which the server has by then. */
  | 'request body'
  /** When the server has done its work, and the client was told nothing. */
  | 'before answer'
  /** In the middle of the status line. */
  | 'answer head'
  /** After some bytes of the answer's body. */
  | 'answer body';

/** What a wire does to a request, or to its answer. */
export type Mischief =
  | { readonly kind: 'reset'; readonly at: Moment; readonly bytes?: number }
  /** Says nothing any more from there on, and keeps the connection. */
  | { readonly kind: 'stall'; readonly at: 'before answer' | 'answer body'; readonly bytes?: number }
  /** Answers in the server's place. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** Changes headers of the answer; an empty text takes one away. */
  | { readonly kind: 'headers'; readonly headers: Readonly<Record<string, string>> }
  /** Changes one byte of the request's body on its way to the server. */
  | { readonly kind: 'spoil request'; readonly byte?: number }
  /** Changes one byte of the answer's body. */
  | { readonly kind: 'spoil answer'; readonly byte?: number }
  /** Ends the answer after some bytes of its body, in good order. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** Sends the answer's body in small pieces with pauses, milliseconds. */
  | { readonly kind: 'drip'; readonly bytes: number; readonly pause: number };

/** Mischief, and the requests that it is meant for; without a method or a path it is meant for any. */
export interface WireFault {
  readonly mischief: Mischief;
  readonly method?: string;
  readonly path?: RegExp;
  /** Fitting requests that go by before it strikes. */
  readonly skip?: number;
  /** How often it strikes (default once). */
  readonly times?: number;
}

/** A fault that waits for its requests, and counts how often it has struck. */
export class Ambush {
  readonly fault: WireFault;
  struck = 0;
  #passed = 0;
  #isLifted = false;

  constructor(fault: WireFault) {
    this.fault = fault;
  }

  /** Lets everything by from now on. */
  lift(): void {
    this.#isLifted = true;
  }

  /** Tells whether it strikes this request; a new connection when there is none. */
  strikes(request: IncomingMessage | undefined): boolean {
    const { mischief, method, path, skip = 0, times = 1 } = this.fault;
    const isOfConnections = mischief.kind === 'reset' && mischief.at === 'connecting';
    if (this.#isLifted || this.struck >= times || isOfConnections !== (request === undefined)) return false;
    if (request !== undefined) {
      if (method !== undefined && request.method !== method) return false;
      if (path !== undefined && !path.test(request.url ?? '')) return false;
    }
    this.#passed += 1;
    if (this.#passed <= skip) return false;
    this.struck += 1;
    return true;
  }
}
