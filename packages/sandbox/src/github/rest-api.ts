import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody } from '../http-server.ts';
import type { Answer } from './answer.ts';
import { graphqlRoute } from './api/graphql.ts';
import { routes } from './api/routes.ts';
import { ApiError, notFound } from './api-error.ts';
import type { App } from './apps.ts';
import { type Actor, authenticate, authenticateApp, requireAccess, requireVisible } from './authentication.ts';
import { Payload } from './payload.ts';
import { RateLimit } from './rate-limit.ts';
import type { Call } from './route.ts';
import { createRouter } from './router.ts';
import type { Site } from './site.ts';

/** A blob of 100 MiB in base64 and JSON, with room to spare. */
const bodyLimit = 160 * 1024 * 1024;

/** The API of the server, REST and what there is of GraphQL: reads a request, finds its operation, checks who asks, and sends the answer. */
export class RestApi {
  readonly #site: Site;
  readonly #limits = new RateLimit();
  readonly #match = createRouter([...routes, graphqlRoute]);

  constructor(site: Site) {
    this.#site = site;
  }

  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const requestId = randomBytes(10)
      .toString('hex')
      .toUpperCase()
      .replaceAll(/.{4}(?=.)/g, '$&:');
    const headers = {
      'x-github-request-id': requestId,
      'x-github-media-type': 'github.v3; format=json',
      'x-github-api-version-selected': String(request.headers['x-github-api-version'] ?? '2022-11-28'),
    };
    let actor: Actor;
    let answer: Answer;
    try {
      const { authorization } = request.headers;
      const app = authenticateApp(authorization, this.#site);
      actor = app === undefined ? authenticate(authorization, this.#site) : undefined;
      answer = conditional(request, await this.#perform(request, url, actor, app));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      answer = errorAnswer(error);
    } finally {
      // What was not read would be taken for the start of the next request.
      request.resume();
    }
    const seconds = Math.floor(this.#site.now().getTime() / 1000);
    // Who has a token asks for free whether something has changed.
    const cost = answer.status === 304 && actor !== undefined ? 0 : 1;
    send(response, answer, { ...headers, ...this.#limits.count(actor?.token ?? '', seconds, cost) });
  }

  async #perform(request: IncomingMessage, url: URL, actor: Actor, app: App | undefined): Promise<Answer> {
    const path = url.pathname.replace(/^\/api\/v3(?=\/|$)|^\/api(?=\/graphql$)/, '');
    const found = this.#match(request.method ?? 'GET', path);
    if (found === undefined) throw notFound();
    const { route, parameters } = found;
    const isForApps = route.access.includes('app');
    if (isForApps && app === undefined) throw new ApiError(401, 'A JSON web token could not be decoded');
    if (!isForApps && app !== undefined) throw new ApiError(403, 'Resource not accessible by integration');
    const owner = parameters.get('owner');
    const repository = owner === undefined ? undefined : this.#site.find(`${owner}/${parameters.get('repo') ?? ''}`);
    if (owner !== undefined && repository === undefined) throw notFound();
    if (repository !== undefined && !isForApps) requireVisible(actor, repository);
    if (!isForApps) requireAccess(actor, route.access, isPublic(route.access, repository?.record.private));
    const call: Call = {
      site: this.#site,
      actor,
      app,
      url,
      query: url.searchParams,
      accept: request.headers.accept ?? '',
      payload: Payload.parse(await readBody(request, bodyLimit)),
      parameter: (name) => parameters.get(name) ?? '',
    };
    return route.handle(call, repository);
  }
}

/** Teams are not for everybody's eyes, even where the repositories are public. */
function isPublic(access: readonly string[], isPrivate: boolean | undefined): boolean {
  return isPrivate === undefined ? access.includes('metadata:read') : !isPrivate;
}

function errorAnswer({ status, message, errors }: ApiError): Answer {
  const documentation = 'https://docs.github.com/rest';
  const details = errors === undefined ? {} : { errors };
  return { status, json: { message, ...details, documentation_url: documentation, status: String(status) } };
}

const bytesOf = ({ bytes, json }: Answer): Uint8Array | undefined =>
  bytes ?? (json === undefined ? undefined : Buffer.from(JSON.stringify(json)));

/** Marks a successful read by its content, and answers 304 to a client that has this content already. */
function conditional(request: IncomingMessage, answer: Answer): Answer {
  const bytes = bytesOf(answer);
  if (answer.status !== 200 || bytes === undefined || (request.method !== 'GET' && request.method !== 'HEAD'))
    return answer;
  const etag = `"${createHash('sha256').update(bytes).digest('hex')}"`;
  const headers = {
    ...answer.headers,
    etag: `W/${etag}`,
    'cache-control': 'private, max-age=60, s-maxage=60',
    vary: 'Accept, Authorization, Cookie, X-GitHub-OTP',
  };
  const known = (request.headers['if-none-match'] ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (known.includes(etag) || known.includes('*')) return { status: 304, headers };
  return { status: 200, bytes, headers, ...(answer.type === undefined ? {} : { type: answer.type }) };
}

function send(response: ServerResponse, answer: Answer, headers: Readonly<Record<string, string>>): void {
  const bytes = bytesOf(answer);
  const all: Record<string, string> = { ...headers, ...answer.headers };
  if (bytes !== undefined) {
    all['content-type'] = answer.type ?? 'application/json; charset=utf-8';
    all['content-length'] = String(bytes.length);
  }
  response.writeHead(answer.status, all).end(bytes);
}
