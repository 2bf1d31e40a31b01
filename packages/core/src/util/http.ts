import { Readable } from 'node:stream';
import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { ActionError, messageOf, systemCodeOf } from '../errors.ts';
import { readAll } from './content.ts';
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
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  /** Must be read to its end or discarded, or the connection is never used again. */
  readonly body: AsyncIterable<Buffer>;
  discard(): Promise<void>;
}

/** Milliseconds without a single byte after which a connection counts as dead; whole transfers have no deadline. */
const IDLE_TIMEOUT = 120_000;

/**
 * Makes the dispatcher for one server: kept-alive connections, the proxy of the environment when there is one
 * (`HTTPS_PROXY`, `NO_PROXY`), and `ca` (PEM) trusted besides the system's certificates.
 */
export function createDispatcher(
  options: { readonly ca?: readonly string[]; readonly connections?: number } = {},
): Dispatcher {
  const settings: Agent.Options = {
    connections: options.connections ?? 16,
    headersTimeout: IDLE_TIMEOUT,
    bodyTimeout: IDLE_TIMEOUT,
    connect: { timeout: 15_000, ...(options.ca !== undefined && { ca: [...options.ca] }) },
  };
  const { env } = process;
  const proxy = env['HTTPS_PROXY'] ?? env['https_proxy'] ?? env['HTTP_PROXY'] ?? env['http_proxy'];
  return proxy === undefined || proxy === ''
    ? new Agent(settings)
    : new EnvHttpProxyAgent(settings as EnvHttpProxyAgent.Options);
}

/**
 * Sends one request, once, and follows no redirect. Throws a NetworkError when no answer came.
 */
export async function send({ method, url, headers, body, dispatcher }: HttpRequest): Promise<HttpResponse> {
  try {
    const stream =
      body === undefined || Buffer.isBuffer(body) ? (body ?? null) : Readable.from(body, { objectMode: false });
    const response = await request(url, { method, headers: { ...headers }, body: stream, dispatcher });
    return {
      status: response.statusCode,
      headers: flatten(response.headers),
      body: response.body,
      discard: async () => {
        // A long rest is cheaper to cut than to read: dump stops after its limit and closes the connection.
        await response.body.dump({ limit: 64 * 1024 }).catch(() => undefined);
      },
    };
  } catch (error) {
    // What the caller's own stream threw is the caller's to judge.
    if (error instanceof ActionError) throw error;
    throw new NetworkError(method, url, error);
  }
}

function flatten(headers: Record<string, string | string[] | undefined>): Headers {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

/** No answer, or not all of it: the connection failed. Worth another try unless the name or the certificate is wrong. */
export class NetworkError extends ActionError {
  override readonly name = 'NetworkError';

  constructor(method: string, url: URL, cause: unknown) {
    super('network', `${method} ${redactUrl(url)} failed: ${explainNetworkFailure(cause)}`, { cause });
  }
}

/** System and TLS codes that another try cannot heal, with what the user can do. */
const LASTING: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the host name does not exist; check it for a typing error',
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

function explainNetworkFailure(cause: unknown): string {
  const code = systemCodeOf(cause);
  const cure = code === undefined ? undefined : LASTING[code];
  return `${messageOf(cause) || (code ?? 'connection lost')}${cure === undefined ? '' : ` (${cure})`}`;
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

const TRANSIENT_STATUS = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Judges failures of HTTP exchanges: lost connections and passing refusals are worth another try. */
export function judgeHttpFailure(error: unknown): Verdict {
  if (error instanceof NetworkError) return !((systemCodeOf(error.cause) ?? '') in LASTING) && {};
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
