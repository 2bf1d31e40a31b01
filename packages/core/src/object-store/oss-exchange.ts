import type OSS from 'ali-oss';
import type { Dispatcher } from 'undici';
import { ActionError } from '../errors.ts';
import { readAll } from '../util/content.ts';
import { type Headers, type HttpRequest, NetworkError, send } from '../util/http.ts';

/** OSS answers with a listing of 1,000 entries at the most. */
const ANSWER_LIMIT = 4 * 1024 * 1024;

/** What OSS answered. */
export interface OssAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/**
 * Sends what ali-oss has signed, one request, and remembers how it went.
 *
 * The library's own transport knows a deadline for whole transfers but no idle timeout, and the library makes of a lost
 * connection an error without a cause, and of a refusal one without its details: both are kept here.
 */
export class OssExchange implements OSS.Transport {
  answer: OssAnswer | undefined;
  failure: unknown;
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  async request(url: string, request: OSS.TransportRequest): Promise<OSS.TransportResult> {
    try {
      const { status, headers, bytes } = await this.#send(url, request);
      this.answer = { status, headers, body: bytes.toString('utf8') };
      return { status, headers, data: bytes, res: { status, headers } };
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  async #send(
    url: string,
    request: OSS.TransportRequest,
  ): Promise<{ status: number; headers: Headers; bytes: Buffer }> {
    const method = methodOf(request.method);
    const body =
      typeof request.content === 'string' ? Buffer.from(request.content) : (request.content ?? request.stream);
    const response = await send({
      method,
      url: new URL(url),
      headers: textHeaders(request.headers),
      ...(body !== undefined && { body }),
      dispatcher: this.#dispatcher,
    });
    try {
      return { status: response.status, headers: response.headers, bytes: await readAll(response.body, ANSWER_LIMIT) };
    } catch (error) {
      throw new NetworkError(method, new URL(url), error);
    }
  }
}

function methodOf(method: string): HttpRequest['method'] {
  const known = (['GET', 'HEAD', 'POST', 'PUT', 'DELETE'] as const).find((name) => name === method);
  if (known === undefined) throw new ActionError('oss-request', `Unknown method ${method}.`);
  return known;
}

function textHeaders(headers: Readonly<Record<string, unknown>>): Headers {
  const sent = Object.entries(headers).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(sent.map(([name, value]) => [name.toLowerCase(), String(value)]));
}
