import { Readable } from 'node:stream';
import { Agent, buildConnector, type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { ActionError, ConfigurationError, messageOf, systemCodeOf } from '../errors.ts';
import { ContentError, markContentFailures, readAll } from './content.ts';
import { ReadBuffers } from './read-buffers.ts';
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

/** Milliseconds without a single byte after which a connection counts as dead; whole transfers have no deadline. */
const IDLE_TIMEOUT = 60_000;

/**
 * Makes the dispatcher for one server: kept-alive connections, the proxy of the environment when there is one
 * (`HTTPS_PROXY`, `NO_PROXY`), and `ca` (PEM) trusted besides the system's certificates.
 */
export function createDispatcher(
  options: { readonly ca?: readonly string[]; readonly connections?: number } = {},
): Dispatcher {
  const tls = { timeout: 15_000, ...(options.ca !== undefined && { ca: [...options.ca] }) };
  const settings: Agent.Options = {
    connections: options.connections ?? 32,
    headersTimeout: IDLE_TIMEOUT,
    bodyTimeout: IDLE_TIMEOUT,
    connect: tls,
  };
  const proxy = findProxy(process.env);
  if (proxy === undefined) return new Agent({ ...settings, connect: connectBuffered(tls) });
  // Behind a proxy the server's certificate is checked with `requestTls`; `connect` is for the proxy itself.
  return new EnvHttpProxyAgent({ ...settings, requestTls: tls } as EnvHttpProxyAgent.Options);
}

/** One memory for all servers: what is read from one is written to another. */
const buffers = new ReadBuffers();

/** Connects sockets that read into memory that is used again. TLS reads 16 KiB at a time, and gains nothing by it. */
function connectBuffered(tls: buildConnector.BuildOptions): buildConnector.connector {
  const encrypted = buildConnector(tls);
  const plain = buildConnector({ ...tls, onread: buffers.onread } as buildConnector.BuildOptions);
  return (options, callback) => {
    const connect = options.protocol === 'https:' ? encrypted : plain;
    connect(options, (...outcome) => {
      const [failure, socket] = outcome;
      if (failure === null) buffers.reuseAfterWriting(socket);
      callback(...outcome);
    });
  };
}

/** Returns the variable that names a proxy, undefined when none does; one that is no address is refused by name. */
function findProxy(env: NodeJS.ProcessEnv): string | undefined {
  const name = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'].find((variable) => env[variable]);
  if (name === undefined) return undefined;
  const protocol = URL.parse(env[name] ?? '')?.protocol;
  if (protocol === 'http:' || protocol === 'https:') return name;
  throw new ConfigurationError(
    'invalid-proxy',
    `The environment variable ${name} holds no address of a proxy; write it as http://proxy.example.com:3128.`,
  );
}

/**
 * Sends one request, once, and follows no redirect. Throws a NetworkError when no answer came.
 */
export async function send(message: HttpRequest): Promise<HttpResponse> {
  const { method, url, headers, body, dispatcher, patience = IDLE_TIMEOUT, cures } = message;
  try {
    const stream =
      body === undefined || Buffer.isBuffer(body)
        ? (body ?? null)
        : Readable.from(markContentFailures(body), { objectMode: false });
    const response = await request(url, {
      method,
      headers: { ...headers },
      body: stream,
      dispatcher,
      headersTimeout: patience,
    });
    return {
      status: response.statusCode,
      headers: flatten(response.headers),
      body: { [Symbol.asyncIterator]: () => readChunks(response.body) },
      discard: async () => {
        // A long rest is cheaper to cut than to read: dump stops after its limit and closes the connection.
        await response.body.dump({ limit: 64 * 1024 }).catch(() => undefined);
      },
    };
  } catch (error) {
    if (error instanceof ContentError) throw error;
    throw new NetworkError(method, url, error, cures);
  }
}

/**
 * Passes on the chunks of a body as they came. Iterating over the stream itself would put those that wait together into a
 * new one, and copy every byte.
 */
async function* readChunks(stream: Readable): AsyncGenerator<Buffer, void> {
  const waiting: Buffer[] = [];
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  let wake = (): void => undefined;
  stream.on('data', (chunk: Buffer) => {
    waiting.push(chunk);
    if (waiting.length > 1) stream.pause();
    wake();
  });
  stream.on('end', () => {
    ended = true;
    wake();
  });
  stream.on('error', (error: unknown) => {
    failure = { error };
    wake();
  });
  stream.on('close', () => {
    if (!ended) failure ??= { error: new Error('the connection was closed') };
    wake();
  });
  try {
    while (true) {
      const chunk = waiting.shift();
      if (chunk !== undefined) {
        yield chunk;
        if (waiting.length === 0) stream.resume();
      } else if (failure !== undefined) {
        throw failure.error;
      } else if (ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    if (!ended) stream.destroy();
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

  constructor(method: string, url: URL, cause: unknown, cures: Cures = {}) {
    super('network', `${method} ${redactUrl(url)} failed: ${explainNetworkFailure(cause, cures)}`, { cause });
  }
}

/** System and TLS codes that another try cannot heal, with what the user can do. */
const LASTING: Readonly<Record<string, string>> = {
  EPROTO: 'the server does not speak TLS as we do; allow `plain-http` for it in the configuration if that is meant',
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

/** Codes that another try may heal, with what to look at when it does not. */
const PASSING: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: check host and port, and that the server runs',
  ETIMEDOUT: 'the server does not answer: check the network, and the proxy if there is one',
  UND_ERR_CONNECT_TIMEOUT: 'the server does not answer: check the network, and the proxy if there is one',
  UND_ERR_HEADERS_TIMEOUT: 'the server took the request and did not answer it',
  UND_ERR_BODY_TIMEOUT: 'the server stopped in the middle of its answer',
  UND_ERR_SOCKET: 'the server closed the connection; over plain http to a port that speaks TLS this happens every time',
};

function explainNetworkFailure(cause: unknown, cures: Cures): string {
  const code = systemCodeOf(cause);
  const cure = code === undefined ? undefined : (cures[code] ?? LASTING[code] ?? PASSING[code]);
  // OpenSSL's texts hold the place in its source, and end with a line break.
  const text = /^[0-9A-F]+:error:/.test(messageOf(cause)) ? (code ?? 'TLS failed') : messageOf(cause);
  return `${text || (code ?? 'connection lost')}${cure === undefined ? '' : ` (${cure})`}`;
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
const SILENCE = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

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
