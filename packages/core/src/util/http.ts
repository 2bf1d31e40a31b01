import { ActionError, messageOf, systemCodeOf } from '../errors.ts';
import { ContentError, markContentFailures, readAll } from './content.ts';
import { IDLE_TIMEOUT } from './http-connection.ts';
import { Dispatcher } from './http-dispatcher.ts';
import { redactUrl } from './redaction.ts';
import { parseRetryAfter, type Verdict } from './retry.ts';

/** Header names are lower-case. */
export type Headers = Readonly<Record<string, string>>;

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Headers;
  /** A stream needs a `content-length` header, else it is sent in chunks, which many servers refuse. */
  readonly body?: Buffer | AsyncIterable<Buffer>;
  readonly dispatcher: Dispatcher;
  /** Milliseconds the server may take to answer once it has everything (default 1 minute). */
  readonly patience?: number;
  /** What the user can do about a failure, by its system or TLS code, where the general advice does not fit. */
  readonly cures?: Cures;
}

export type Cures = Readonly<Record<string, string>>;

export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  /** Must be read to its end or discarded, or the connection is never used again. */
  readonly body: AsyncIterable<Buffer>;
  discard(): Promise<void>;
}

/**
 * Makes the dispatcher for one server: kept-alive connections, the proxy of the environment when there is one
 * (`HTTPS_PROXY`, `NO_PROXY`), and `ca` (PEM) trusted instead of the system's certificates.
 */
export function createDispatcher(
  options: { readonly ca?: readonly string[]; readonly connections?: number } = {},
): Dispatcher {
  return new Dispatcher({ connections: 32, ...options });
}

/**
 * Sends one request, once, and follows no redirect. Throws a NetworkError when no answer came, and a ContentError when
 * what was to be sent could not be read.
 */
export async function send(message: HttpRequest): Promise<HttpResponse> {
  const { method, url, headers = {}, body, dispatcher, patience = IDLE_TIMEOUT, cures } = message;
  try {
    const stream = body === undefined || Buffer.isBuffer(body) ? body : markContentFailures(body);
    return await dispatcher.dispatch({ method, url, headers, body: stream, patience });
  } catch (error) {
    if (error instanceof ContentError) throw error;
    throw new NetworkError(method, url, error, cures);
  }
}

/** No answer, or not all of it: the connection failed. Worth another try unless the name or the certificate is wrong. */
export class NetworkError extends ActionError {
  override readonly name = 'NetworkError';
  #told = false;

  constructor(method: string, url: URL, cause: unknown, cures: Cures = {}) {
    super('network', `${method} ${redactUrl(url)} failed: ${explainNetworkFailure(cause, cures)}`, { cause });
  }

  /** Tells what could not be done because of it, where nobody has told yet. */
  during(work: string): this {
    if (!this.#told) this.message = `${work}: ${this.message}`;
    this.#told = true;
    return this;
  }
}

/** System and TLS codes that another try cannot heal, with what the user can do. */
const LASTING: Readonly<Record<string, string>> = {
  EPROTO: 'the server does not speak TLS as we do; allow `plain-http` for it in the configuration if that is meant',
  ENOTFOUND: 'the host name does not exist; check it for a typing error',
  PROXY_REFUSED: 'check the address of the proxy in the environment, with its user and password',
  CERT_HAS_EXPIRED: "the server's certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the server's certificate is self-signed; give its `ca` in the configuration",
  SELF_SIGNED_CERT_IN_CHAIN:
    "the server's certificate is signed by a private authority; give its `ca` in the configuration",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "the server's certificate is signed by an unknown authority; give its `ca` in the configuration",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "the server's certificate is signed by an unknown authority; give its `ca` in the configuration",
  ERR_TLS_CERT_ALTNAME_INVALID: "the server's certificate is for another host name",
  ERR_SSL_WRONG_VERSION_NUMBER:
    'the server does not speak TLS; allow `plain-http` for it in the configuration if that is meant',
  ERR_SSL_PACKET_LENGTH_TOO_LONG:
    'the server does not speak TLS; allow `plain-http` for it in the configuration if that is meant',
};

/** Codes that another try may heal, with what to look at when it does not. */
const PASSING: Readonly<Record<string, string>> = {
  ECONNRESET: 'the connection was cut: check the network and what stands before the server, then run again',
  EPIPE: 'the connection was cut: check the network and what stands before the server, then run again',
  ECONNREFUSED: 'nothing listens there: check host and port, and that the server runs',
  ETIMEDOUT: 'the server does not answer: check the network, and the proxy if there is one',
  NO_ANSWER: 'the server took the request and did not answer it: run again, or ask who runs it',
  STALLED: 'the server stopped in the middle of its answer: run again, or ask who runs it',
  CLOSED:
    'the server closed the connection: run again; over plain http to a port that speaks TLS this happens every time',
};

/** What to do about a failure that has no code that we know: half an answer, or what is none. */
const UNKNOWN = 'check the network and what stands before the server, then run again';

function explainNetworkFailure(cause: unknown, cures: Cures): string {
  const code = systemCodeOf(cause);
  const cure = code === undefined ? undefined : (cures[code] ?? LASTING[code] ?? PASSING[code]);
  // OpenSSL's texts hold the place in its source, and end with a line break.
  const text = /^[0-9A-F]+:error:/.test(messageOf(cause)) ? (code ?? 'TLS failed') : messageOf(cause);
  return `${text || (code ?? 'connection lost')} (${cure ?? UNKNOWN})`;
}

/** An answer that is a refusal or a failure. */
export class HttpError extends ActionError {
  override readonly name: string = 'HttpError';
  readonly status: number;
  /** Milliseconds the server asks to wait. */
  readonly retryAfter: number | undefined;

  constructor(code: string, message: string, response: Pick<HttpResponse, 'status' | 'headers'>) {
    super(code, message);
    this.status = response.status;
    this.retryAfter = parseRetryAfter(response.headers['retry-after']);
  }
}

/** Codes of a server that says nothing. */
const SILENCE = new Set(['ETIMEDOUT', 'NO_ANSWER', 'STALLED']);

const TRANSIENT_STATUS = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Judges failures of HTTP exchanges: lost connections and passing refusals are worth another try. */
export function judgeHttpFailure(error: unknown): Verdict {
  if (error instanceof NetworkError) {
    const code = systemCodeOf(error.cause) ?? '';
    if (code in LASTING) return false;
    // Each silence costs its whole patience: a second one is proof enough.
    return SILENCE.has(code) ? { attempts: 2 } : {};
  }
  if (error instanceof HttpError && TRANSIENT_STATUS.has(error.status)) {
    return error.retryAfter === undefined ? {} : { after: error.retryAfter };
  }
  return false;
}

/** Reads the body of an error, at most 64 KiB of it; what cannot be read counts as empty. */
export async function readErrorBody(response: HttpResponse): Promise<string> {
  try {
    return (await readAll(response.body, 64 * 1024)).toString('utf8');
  } catch {
    return '';
  }
}
