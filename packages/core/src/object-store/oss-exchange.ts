import type OSS from 'ali-oss';
import { ActionError } from '../errors.ts';
import { readAll } from '../util/content.ts';
import { type Cures, type Headers, type HttpRequest, NetworkError, send } from '../util/http.ts';
import type { Dispatcher } from '../util/http-dispatcher.ts';

/** OSS answers with a listing of 1,000 entries at the most. */
const ANSWER_LIMIT = 4 * 1024 * 1024;

const NO_TLS =
  'the server does not speak TLS: check the endpoint; only that of a server on this machine may begin with http://';

const UNKNOWN_AUTHORITY =
  "the server's certificate is not signed by a known authority: check the endpoint, and whether a proxy stands between; " +
  "a private authority's certificate is given in the step's environment as NODE_EXTRA_CA_CERTS";

/** For registries there are settings for these; for OSS there are none. */
const CURES: Cures = {
  EPROTO: NO_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
};

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
 * connection an error without a cause, and of a refusal one without its details: both are kept here. Because that transport
 * never runs, the tables of character sets that it would load for its answers (`iconv-lite`) are left out of the bundle.
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
      cures: CURES,
    });
    try {
      return { status: response.status, headers: response.headers, bytes: await readAll(response.body, ANSWER_LIMIT) };
    } catch (error) {
      throw new NetworkError(method, new URL(url), error, CURES);
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
