import type { IncomingMessage, ServerResponse } from 'node:http';
import { commitFiles } from '@slipway/sandbox/github/seed';
import { type ListeningServer, listen } from '@slipway/sandbox/http-server';
import { dump, load } from 'js-yaml';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BRANCH, ENGINEER, OWNER, PULL_REQUEST, PUSHED_COMMENT, REPOSITORY } from '../../scripts/demo/cast.ts';
import { readCredentials } from '../../scripts/demo/credentials.ts';
import type { PullRequest } from '../../scripts/demo/github-client.ts';
import { AttackPlace } from './attack-place.ts';

/** What a registry, or something between it and us, answers instead of the truth; undefined lets a request through. */
type Lie = (request: IncomingMessage, response: ServerResponse) => boolean;

let place: AttackPlace;
let pull: PullRequest;
/** A host that nobody has configured; it answers every question with a smile. */
let evil: ListeningServer;
let fronts: Readonly<Record<'cargo.example.com' | 'harbor.example.com', ListeningServer>>;
let lie: Lie = () => false;

beforeAll(async () => {
  place = await AttackPlace.open();
  evil = await listen({}, (_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ token: 'a-token-of-evil-make', schemaVersion: 2 }));
  });
  const { source, target } = place.chain.stage.sandbox;
  fronts = { 'cargo.example.com': await standBefore(source.url), 'harbor.example.com': await standBefore(target.url) };
  await configureFronts();
  pull = await place.open(ENGINEER, { ...PULL_REQUEST, head: BRANCH });
  const review = { event: 'APPROVE', commit_id: pull.head.sha };
  await place.as(OWNER).send('POST', `/pulls/${pull.number}/reviews`, review);
});

afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await Promise.all([evil, ...Object.values(fronts)].map((server) => server.close()));
});

afterEach(async () => {
  await place.expectNothingReleased();
  place.expectNothingLeaked();
});

/** Starts what answers for a registry: it lies where it is told to, and passes everything else on. */
async function standBefore(url: string): Promise<ListeningServer> {
  const front: ListeningServer = await listen({}, async (request, response) => {
    if (lie(request, response)) return;
    const { method = 'GET', headers } = request;
    const { host, connection, ...rest } = headers as Record<string, string>;
    const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>);
    const body = chunks.length === 0 ? {} : { body: Buffer.concat(chunks) };
    const answer = await fetch(`${url}${request.url}`, { method, headers: rest, ...body, redirect: 'manual' });
    for (const [name, value] of answer.headers) {
      if (name !== 'connection') response.setHeader(name, value.replaceAll(url, front.url));
    }
    response.statusCode = answer.status;
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  return front;
}

async function configureFronts(): Promise<void> {
  const { git, record } = place.repository(REPOSITORY);
  const path = '.github/slipway.yaml';
  const file = await git.read(`main:${path}`);
  const { registries, ...others } = load(file?.content.toString() ?? '') as { registries: Record<string, object> };
  const moved = Object.entries(fronts).map(([name, { url }]) => [name, { ...registries[name], endpoint: url }]);
  const content = dump({ ...others, registries: { ...registries, ...Object.fromEntries(moved) } });
  await commitFiles(record.path, 'main', { [path]: content }, { message: 'Say where the registries are' });
}

const redirect = (response: ServerResponse, path: string | undefined): true => {
  response.writeHead(307, { location: `${evil.url}${path}` });
  response.end();
  return true;
};

const challenge = (response: ServerResponse): true => {
  const realm = `${evil.url}/token`;
  response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="cargo.example.com"` });
  response.end();
  return true;
};

const comesTo = (request: IncomingMessage, name: keyof typeof fronts): boolean =>
  request.headers.host === new URL(fronts[name].url).host;

const isMatch = (request: IncomingMessage, method: RegExp, path: RegExp): boolean =>
  method.test(request.method ?? '') && path.test(request.url ?? '');

describe('a registry that sends its visitors elsewhere', () => {
  it.each<readonly [string, { readonly isFollowed: boolean; readonly said: string }, Lie]>([
    [
      'for a tag',
      { isFollowed: true, said: 'is no image we can copy' },
      (request, response) =>
        comesTo(request, 'cargo.example.com') &&
        isMatch(request, /GET|HEAD/, /\/manifests\//) &&
        redirect(response, request.url),
    ],
    [
      'for what is in an image',
      { isFollowed: true, said: 'the answer ended too early' },
      (request, response) =>
        comesTo(request, 'cargo.example.com') &&
        isMatch(request, /GET/, /\/blobs\//) &&
        redirect(response, request.url),
    ],
    [
      'for a token, as the source that has known passwords only',
      { isFollowed: false, said: 'for a token, which is not its own host' },
      (request, response) => comesTo(request, 'cargo.example.com') && challenge(response),
    ],
    [
      'from its own token service',
      { isFollowed: false, said: 'answered 307 for repository:release/' },
      (request, response) =>
        comesTo(request, 'harbor.example.com') &&
        (isMatch(request, /./, /^\/token/)
          ? redirect(response, request.url)
          : request.headers.authorization === undefined && ownChallenge(response)),
    ],
    [
      'for an upload',
      { isFollowed: true, said: 'could not be copied' },
      (request, response) =>
        comesTo(request, 'harbor.example.com') &&
        isMatch(request, /POST/, /\/blobs\/uploads\//) &&
        sendUpload(response, request.url),
    ],
  ])('%s is not followed with what opens its own door', async (_, { isFollowed, said }, answer) => {
    evil.requests.length = 0;
    const before = place.chain.lines.length;
    lie = answer;
    try {
      await place.comment(ENGINEER, pull.number, PUSHED_COMMENT);
    } finally {
      lie = () => false;
    }
    const { username, password } = readCredentials(place.chain.stage.sandbox.environment['DOCKER_CONFIG'] ?? '');
    const seen = JSON.stringify(evil.requests);
    expect(evil.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
    for (const secret of [password, encodeURIComponent(password), btoa(`${username}:${password}`), username]) {
      expect(seen).not.toContain(secret);
    }
    expect(evil.requests.length > 0).toBe(isFollowed);
    expect(place.records(pull.head.sha).at(-1)).toBe('failure');
    expect(place.chain.lines.slice(before).join('\n')).toContain(said);
  });
});

function ownChallenge(response: ServerResponse): true {
  const realm = `${fronts['harbor.example.com'].url}/token`;
  response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="harbor.example.com"` });
  response.end();
  return true;
}

function sendUpload(response: ServerResponse, path: string | undefined): true {
  response.writeHead(202, { location: `${evil.url}${path}` });
  response.end();
  return true;
}
