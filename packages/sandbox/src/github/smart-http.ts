import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { senderOf } from './announce.ts';
import { ApiError } from './api-error.ts';
import { type Actor, authenticate, mayAccess, requireVisible, type TokenOptions } from './authentication.ts';
import { gitEnvironment } from './git/git-command.ts';
import { openPushHook } from './git/push-hook.ts';
import type { HostedRepository } from './hosted-repository.ts';
import { guardedRefs } from './protection.ts';
import { synchroniseAround } from './pull-requests.ts';
import { announcePush, refChanges } from './pushes.ts';
import type { Site } from './site.ts';
import { mayWriteWorkflows, workflowFolder } from './workflow-guard.ts';

const gitPath = /^\/([^/]+)\/([^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/;

/** Tells whether a request speaks git rather than REST. */
export const isGitRequest = (url: URL): boolean => gitPath.test(url.pathname);

/**
 * Serves clone, fetch and push through git's own `http-backend`.
 *
 * @see https://git-scm.com/docs/git-http-backend
 */
export async function serveGit(
  site: Site,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const [, owner = '', name = '', service = ''] = gitPath.exec(url.pathname) ?? [];
  const isPush = service === 'git-receive-pack' || url.searchParams.get('service') === 'git-receive-pack';
  let repository: HostedRepository;
  let actor: Actor;
  try {
    actor = authenticate(request.headers.authorization, site);
    repository = authorise(site, actor, `${owner}/${name}`, isPush);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    request.resume();
    refuse(response, error);
    return;
  }
  const run = (environment = gitEnvironment()): Promise<void> =>
    runBackend(repository, actor, environment, service, request, response, url);
  if (service === 'git-receive-pack' && actor !== undefined) {
    const sender = senderOf(actor);
    // Alone, so that nobody sees the branches move before it is known who moves them.
    await repository.exclusively(async () => {
      const before = await repository.git.refs('refs/');
      await run(await pushEnvironment(site, repository, actor));
      const changes = refChanges(before, await repository.git.refs('refs/'));
      for (const { ref, after } of changes) site.movers.note(repository.fullName, ref, after, sender);
      for (const change of changes) await announcePush(site, repository, sender, change);
    });
    // Before the answer ends, so that whoever has pushed finds the pull requests up to date.
    await synchroniseAround(site, repository);
  } else {
    await run();
  }
  response.end();
}

/** Lets git refuse what the rules of branches refuse. */
async function pushEnvironment(
  site: Site,
  repository: HostedRepository,
  actor: TokenOptions,
): Promise<Record<string, string>> {
  const guarded = guardedRefs(site, repository, actor.login);
  const folder = mayWriteWorkflows(actor) ? '' : workflowFolder;
  // The hooks of a repository that is served in place stay as they are, where nothing is to be refused.
  if (guarded.length === 0 && folder === '') return gitEnvironment();
  const { environment, configuration } = await openPushHook(join(site.directory, 'hooks'), guarded, folder);
  return { ...gitEnvironment(configuration), ...environment };
}

function authorise(site: Site, actor: Actor, fullName: string, isPush: boolean): HostedRepository {
  const repository = site.find(fullName);
  // Who is nobody is asked for a name first; git shows no other answer well.
  const unknown =
    actor === undefined ? new ApiError(401, 'Requires authentication') : new ApiError(404, 'Repository not found.');
  if (repository === undefined) throw unknown;
  try {
    requireVisible(actor, repository);
  } catch {
    throw unknown;
  }
  if (mayAccess(actor, [isPush ? 'contents:write' : 'contents:read'], !repository.record.private)) return repository;
  throw actor === undefined ? unknown : new ApiError(403, 'Write access to repository not granted.');
}

function refuse(response: ServerResponse, { status, message }: ApiError): void {
  const challenge = status === 401 ? { 'www-authenticate': 'Basic realm="GitHub"' } : {};
  response.writeHead(status, { 'content-type': 'text/plain', ...challenge }).end(`${message}\n`);
}

/** Sends what git's CGI program says to one request; settles when it has ended, even where the client has gone. */
async function runBackend(
  { git }: HostedRepository,
  actor: Actor,
  environment: Readonly<Record<string, string>>,
  service: string,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const { headers } = request;
  const child = spawn('git', ['http-backend'], {
    env: {
      ...environment,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_TRANSLATED: `${git.directory}/${service}`,
      REQUEST_METHOD: request.method ?? 'GET',
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
      REMOTE_ADDR: '127.0.0.1',
      ...(headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: headers['content-length'] }),
      ...(actor === undefined ? {} : { REMOTE_USER: actor.login }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  response.on('close', () => {
    if (!response.writableFinished) child.kill();
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  let head = Buffer.alloc(0);
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    if (response.destroyed) break;
    if (response.headersSent) {
      if (!response.write(chunk)) await drained(response);
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) continue;
    writeHead(response, head.toString('latin1', 0, end));
    response.write(head.subarray(end + 4));
  }
  await ended;
  if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
}

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });

/** Turns CGI headers into HTTP ones: the status is one of them. */
function writeHead(response: ServerResponse, text: string): void {
  let status = 200;
  for (const line of text.split('\r\n')) {
    const [, name = '', value = ''] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
    else if (name !== '') response.setHeader(name, value);
  }
  response.writeHead(status);
}
