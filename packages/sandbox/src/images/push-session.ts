import { type IncomingHttpHeaders, request } from 'node:http';
import { request as requestTls } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface PushCredentials {
  readonly username: string;
  readonly password: string;
}

interface PushRequest {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Opened anew for each attempt. */
  readonly body?: () => Readable;
}

/** An answer, read to its end. */
interface PushAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Talks to one repository of a registry: answers its challenge, and again when a token has expired. */
export class PushSession {
  readonly #registry: string;
  readonly #repository: string;
  readonly #credentials: PushCredentials | undefined;
  #authorization: string | undefined;

  constructor(registry: string, repository: string, credentials: PushCredentials | undefined) {
    this.#registry = registry;
    this.#repository = repository;
    this.#credentials = credentials;
  }

  /** Finds the address of a path of the repository; an address that the registry gave stays what it is. */
  resolve(path: string): URL {
    return new URL(path, `${this.#registry}/v2/${this.#repository}/`);
  }

  /** Sends a request; an answer with a status other than `expected` fails. */
  async ask(url: URL, sent: PushRequest, expected: readonly number[]): Promise<PushAnswer> {
    let answer = await this.#send(url, sent);
    if (answer.status === 401) {
      this.#authorization = await this.#answer(answer.headers['www-authenticate'] ?? '');
      answer = await this.#send(url, sent);
    }
    if (expected.includes(answer.status)) return answer;
    throw new Error(`${sent.method} ${url} answered ${answer.status}: ${answer.text}`);
  }

  /** Uses node:http because fetch takes a stream's bytes faster than it sends them: 2 GB would be 2 GB of memory. */
  async #send(url: URL, { method, headers, body }: PushRequest): Promise<PushAnswer> {
    const authorization = this.#authorization === undefined ? {} : { authorization: this.#authorization };
    const open = url.protocol === 'https:' ? requestTls : request;
    const outgoing = open(url, { method, headers: { ...headers, ...authorization } });
    const answered = new Promise<PushAnswer>((resolve, reject) => {
      outgoing.once('error', reject);
      outgoing.once('response', (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.once('error', reject);
        incoming.once('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text });
        });
      });
    });
    if (body === undefined) outgoing.end();
    else await Promise.race([pipeline(body(), outgoing), answered]);
    return answered;
  }

  async #answer(challenge: string): Promise<string> {
    const basic = this.#basic();
    if (/^Basic /i.test(challenge) && basic !== undefined) return basic;
    const realm = /realm="([^"]*)"/.exec(challenge)?.[1];
    if (!/^Bearer /i.test(challenge) || realm === undefined) {
      throw new Error(`${this.#registry} wants credentials: ${challenge}`);
    }
    const url = new URL(realm);
    url.searchParams.set('service', /service="([^"]*)"/.exec(challenge)?.[1] ?? '');
    url.searchParams.set('scope', `repository:${this.#repository}:pull,push`);
    const response = await fetch(url, { headers: basic === undefined ? {} : { authorization: basic } });
    const answer: unknown = await response.json();
    if (typeof answer !== 'object' || answer === null || !('token' in answer) || typeof answer.token !== 'string') {
      throw new Error(`${url.origin} gave no token: ${response.status}`);
    }
    return `Bearer ${answer.token}`;
  }

  #basic(): string | undefined {
    if (this.#credentials === undefined) return undefined;
    const { username, password } = this.#credentials;
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }
}
