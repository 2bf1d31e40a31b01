import { ActionError, messageOf } from '../errors.ts';
import {
  createDispatcher,
  type Headers,
  HttpError,
  type HttpRequest,
  type HttpResponse,
  judgeHttpFailure,
  NetworkError,
  readErrorBody,
  send,
} from '../util/http.ts';
import type { Dispatcher } from '../util/http-dispatcher.ts';
import type { Log } from '../util/log.ts';
import { redactUrl } from '../util/redaction.ts';
import { parseRetryAfter, RetryBudget, type RetryOptions } from '../util/retry.ts';
import { formatDuration } from '../util/units.ts';
import { Authorization } from './authorization.ts';
import type { CredentialSource } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';
import { PullLimit } from './pull-limit.ts';

/** A request to a registry; `path` begins with `/v2/`, or is the address that the registry gave for an upload. */
export interface RegistryRequest {
  readonly method: HttpRequest['method'];
  readonly path: string;
  /** Token scope, `repository:<name>:pull`; https://distribution.github.io/distribution/spec/auth/scope/. */
  readonly scope: string;
  readonly headers?: Headers;
  /** Opened anew for each attempt. */
  readonly body?: { readonly size: number; open(): AsyncIterable<Buffer> };
  /** Statuses that are an answer; every other one is an error. */
  readonly expect: readonly number[];
  /** What is being done to what, for messages: `pull the manifest of harbor…/x:v1`. */
  readonly purpose: string;
  /** How often it is tried at the most (default 5); 1 leaves retrying to the caller. */
  readonly attempts?: number;
  /** Milliseconds the registry may take to answer once it has everything. */
  readonly patience?: number;
}

const MAX_REDIRECTS = 5;

/**
 * One registry under one name: its connections, its authorization and its retry budget.
 *
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
 */
export class Registry {
  readonly name: string;
  readonly #origin: URL;
  readonly #dispatcher: Dispatcher;
  readonly #authorization: Authorization;
  readonly #pullLimit: PullLimit;
  readonly #budget: RetryBudget;
  readonly #log: Log;
  /** How often a request was sent again so far. */
  retries = 0;
  /** Blobs that are being read now. */
  reading = 0;

  constructor(
    endpoint: Endpoint,
    credentials: CredentialSource | undefined,
    log: Log,
    budget: RetryBudget = new RetryBudget(),
  ) {
    this.name = endpoint.name;
    this.#origin = endpoint.origin;
    this.#dispatcher = createDispatcher(endpoint.ca === undefined ? {} : { ca: endpoint.ca });
    this.#authorization = new Authorization(endpoint, credentials, this.#dispatcher);
    this.#pullLimit = new PullLimit(endpoint.name, log);
    this.#budget = budget;
    this.#log = log;
  }

  /** Sends a request, with retries; throws a RegistryError for an answer that is not expected. */
  request(request: RegistryRequest): Promise<HttpResponse> {
    return this.retry(request.purpose, () => this.#attempt(request), request.attempts);
  }

  /** Runs an operation of several requests under this registry's retry budget. */
  retry<T>(purpose: string, operation: (attempt: number) => Promise<T>, attempts?: number): Promise<T> {
    const told = (attempt: number): Promise<T> =>
      operation(attempt).catch((error: unknown) => {
        throw this.#tell(purpose, error);
      });
    return this.#budget.run(told, this.#retryOptions(purpose, attempts));
  }

  /** Pauses before a stream that broke is taken up again, or throws `error`; see `RetryBudget.pauseAfter`. */
  pauseAfter(purpose: string, error: unknown, attempt: number): Promise<void> {
    return this.#budget.pauseAfter(this.#tell(purpose, error), attempt, this.#retryOptions(purpose));
  }

  /** Makes a lost connection say what it was needed for. */
  #tell(purpose: string, error: unknown): unknown {
    return error instanceof NetworkError ? error.during(`${this.name}: cannot ${purpose}`) : error;
  }

  #retryOptions(purpose: string, attempts?: number): RetryOptions {
    return {
      judge: judgeHttpFailure,
      ...(attempts !== undefined && { attempts }),
      onRetry: (error, pause) => {
        this.retries += 1;
        this.#log.info(`Trying again in ${(pause / 1000).toFixed(1)} s to ${purpose}: ${messageOf(error)}`);
      },
    };
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #attempt(request: RegistryRequest): Promise<HttpResponse> {
    const url = this.#resolve(request.path, this.#origin, request.purpose);
    const ours = url.origin === this.#origin.origin;
    const { response: first, header: authorization } = ours
      ? await this.#authorization.run(request.scope, (header) => this.#send(request, url, header))
      : { response: await this.#send(request, url, undefined), header: undefined };
    this.#pullLimit.observe(first.headers);
    const { response, url: answered } = await this.#followRedirects(request, url, first);
    if (request.expect.includes(response.status)) return response;
    const body = redactSecrets(await readErrorBody(response), authorization);
    const led = answered.host === url.host ? '' : `, led to ${answered.host}`;
    const name = `${url.host === this.#origin.host ? this.name : url.host}${led}`;
    const advice = answered.origin === this.#origin.origin ? await this.#advise(response) : '';
    throw new RegistryError(name, request.purpose, response, body, advice);
  }

  /** What one can do about a refusal that depends on who asks. */
  async #advise({ status, headers }: HttpResponse): Promise<string> {
    if (status === 401 || status === 403) return this.#authorization.explain(status === 401);
    return status === 429 ? this.#pullLimit.explain(headers, await this.#authorization.explain()) : '';
  }

  /**
   * Returns the address of an upload session that an answer gives, fit for the next request: seen from the request that
   * was answered, and never unencrypted after an encrypted one. Registries behind a proxy that ends TLS hand out their own
   * plain address; on the same host the encrypted one is meant.
   */
  uploadAddress(response: Pick<HttpResponse, 'headers'>, path: string, purpose: string): string {
    const location = response.headers['location'];
    if (location === undefined) {
      throw new ActionError('bad-address', `${this.name}: cannot ${purpose}: no address for the upload was given.`);
    }
    const url = this.addressIn(location, path, purpose);
    if (isDowngrade(new URL(path, this.#origin), url)) {
      throw new ActionError(
        'bad-address',
        `${this.name}: cannot ${purpose}: the registry wants the upload at ${redactUrl(url)}, which is not encrypted. ` +
          'Configure its public address (REGISTRY_HTTP_HOST, or X-Forwarded-Proto at the proxy before it).',
      );
    }
    return url.href;
  }

  /**
   * Returns the address that an answer gives, seen from the request that was answered, which went to `path`. A plain one on the
   * same host is read as the encrypted one that is meant.
   */
  addressIn(location: string, path: string, purpose: string): URL {
    const asked = new URL(path, this.#origin);
    const url = this.#resolve(location, asked, purpose);
    if (isDowngrade(asked, url) && url.hostname === asked.hostname) {
      url.protocol = 'https:';
      url.port = asked.port;
    }
    return url;
  }

  /** Returns the address that `location` means, seen from `base`; both may come from the registry. */
  #resolve(location: string, base: URL, purpose: string): URL {
    const url = URL.parse(location, base.href);
    if (url?.protocol === 'https:' || url?.protocol === 'http:') return url;
    throw new ActionError(
      'bad-address',
      `${this.name}: cannot ${purpose}: '${location.slice(0, 200)}' is no address. ` +
        'Check the name of the registry, and what stands before it.',
    );
  }

  /** A registry may hand out an upload address on another host; it is not told the secret. */
  async #authorizationFor(url: URL, scope: string): Promise<string | undefined> {
    return url.origin === this.#origin.origin ? this.#authorization.header(scope) : undefined;
  }

  #send(request: RegistryRequest, url: URL, authorization: string | undefined): Promise<HttpResponse> {
    const { method, body } = request;
    return send({
      method,
      url,
      headers: {
        'user-agent': 'slipway',
        // Compressed on the way, a manifest would not have its digest any more.
        'accept-encoding': 'identity',
        ...request.headers,
        ...(authorization !== undefined && { authorization }),
        ...(body !== undefined && { 'content-length': String(body.size) }),
      },
      ...(body !== undefined && { body: body.open() }),
      ...(request.patience !== undefined && { patience: request.patience }),
      dispatcher: this.#dispatcher,
    });
  }

  /**
   * Follows redirects of reads, to the blob host of a registry. The credentials stay behind when the origin changes,
   * and an encrypted exchange does not become a plain one.
   */
  async #followRedirects(
    request: RegistryRequest,
    from: URL,
    first: HttpResponse,
  ): Promise<{ readonly response: HttpResponse; readonly url: URL }> {
    let response = first;
    let url = from;
    for (let hops = 0; isRedirect(response.status) && !request.expect.includes(response.status); hops += 1) {
      const location = response.headers['location'];
      if ((request.method !== 'GET' && request.method !== 'HEAD') || location === undefined) break;
      await response.discard();
      const next = this.#resolve(location, url, request.purpose);
      if (hops === MAX_REDIRECTS || isDowngrade(url, next)) {
        throw new ActionError(
          'bad-redirect',
          `${this.name}: cannot ${request.purpose}: ${redactUrl(url)} redirects to ${redactUrl(next)}, ` +
            `${hops === MAX_REDIRECTS ? `after ${hops} other redirects` : 'which is not encrypted'}. Not followed.`,
        );
      }
      url = next;
      response = await this.#send(request, url, await this.#authorizationFor(url, request.scope));
    }
    return { response, url };
  }
}

/** An encrypted exchange that would go on unencrypted. */
function isDowngrade(from: URL, to: URL): boolean {
  return from.protocol === 'https:' && to.protocol !== 'https:';
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/** What people can do about a refusal, by status. */
const CURES: Readonly<Record<number, string>> = {
  401: '',
  403: 'The user may not do this here: ask for the permission on this repository.',
  404: 'Check the name for a typing error, and that it was pushed.',
  413: 'Something between here and the registry limits the size of requests: raise that limit.',
  429: 'The registry limits the number of requests: run again later.',
};

/** What people can do about an answer that nobody foresaw. */
const UNEXPECTED = 'Run again; when it stays so, look at the log of the registry and of what stands before it.';

/** A registry's refusal; https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#error-codes. */
export class RegistryError extends HttpError {
  override readonly name = 'RegistryError';
  /** The registry's own codes, such as `MANIFEST_UNKNOWN`. */
  readonly registryCodes: readonly string[];

  /** `advice` is added to what one can do about such a status in general. */
  constructor(registry: string, purpose: string, response: HttpResponse, body: string, advice = '') {
    const errors = parseErrors(body);
    const said = errors.map(({ code, message }) => (message === '' ? code : `${code}: ${message}`)).join('; ');
    super(
      codeOf(response.status),
      [
        `${registry}: cannot ${purpose}: ${response.status}${said === '' ? '' : ` ${said}`}.`,
        wantedPause(response),
        CURES[response.status] ??
          (response.status >= 500 ? 'The registry has a problem: run again later.' : UNEXPECTED),
        advice,
      ]
        .filter((sentence) => sentence !== '')
        .join(' '),
      response,
    );
    this.registryCodes = errors.map(({ code }) => code);
  }
}

/** What the registry says of when to come back. */
function wantedPause({ headers }: HttpResponse): string {
  const pause = parseRetryAfter(headers['retry-after']);
  return pause === undefined || pause === 0 ? '' : `It asks to come back in ${formatDuration(pause)}.`;
}

function codeOf(status: number): string {
  if (status === 401 || status === 403) return 'unauthorized';
  return status === 404 ? 'not-found' : 'registry-refused';
}

/** Some servers repeat what they were sent; what opened the door must not stand in a log. */
function redactSecrets(body: string, authorization: string | undefined): string {
  const secret = authorization?.split(' ')[1];
  return secret === undefined || secret === '' ? body : body.replaceAll(secret, 'REDACTED');
}

function parseErrors(body: string): { code: string; message: string }[] {
  try {
    const { errors } = JSON.parse(body) as { errors?: unknown };
    if (!Array.isArray(errors)) return [];
    return errors.map((error: { code?: unknown; message?: unknown } | null) => ({
      code: String(error?.code ?? 'UNKNOWN').slice(0, 100),
      message: typeof error?.message === 'string' ? error.message.slice(0, 500) : '',
    }));
  } catch {
    return [];
  }
}
