import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RegistryOptions, startRegistry } from '@slipway/sandbox/registry/server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { digestOf } from '../image/digest.ts';
import { OCI_MANIFEST } from '../image/media-type.ts';
import { contentOf } from '../util/content.ts';
import { createDispatcher } from '../util/http.ts';
import type { Log } from '../util/log.ts';
import { RetryBudget } from '../util/retry.ts';
import { type Credential, CredentialStore, type CredentialStoreOptions } from './credentials.ts';
import { resolveEndpoint } from './endpoint.ts';
import { Registries } from './registries.ts';
import { fetchToken } from './token-service.ts';

const ROBOT = { username: 'robot', password: 'correct horse' };
const NAME = 'registry.example.com';

function connect(url: string, credential?: Credential, options: CredentialStoreOptions = {}) {
  const lines: string[] = [];
  const log: Log = { info: (line) => lines.push(line), warning: (line) => lines.push(`warning: ${line}`) };
  const store = new CredentialStore(credential === undefined ? [] : [[NAME, credential]], options);
  const settings = { [NAME]: { endpoint: url, 'plain-http': true } };
  const registries = new Registries(settings, store, log, () => new RetryBudget({ base: 1, retries: 3 }));
  onTestFinished(() => registries.close());
  const repository = (name: string) => registries.repository({ registry: NAME, repository: name });
  return { repository, lines };
}

async function start(options: Partial<RegistryOptions>) {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-authorization-'));
  const server = await startRegistry({ directory, auth: 'token', credentials: [ROBOT], ...options });
  onTestFinished(async () => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });
  const count = (path: string | RegExp, status?: number) =>
    server.requests.filter((one) => one.path.match(path) !== null && (status === undefined || one.status === status))
      .length;
  return { server, count };
}

const CONFIG = contentOf('{}');
const MANIFEST = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf('{}'), size: 2 },
    layers: [],
  }),
);
const RAW = { mediaType: OCI_MANIFEST, digest: digestOf(MANIFEST), bytes: MANIFEST };

describe('tokens', () => {
  it('cannot be had from a registry that refuses and does not say how it asks, and that is said', async () => {
    const { server } = await start({ auth: 'none' });
    server.failNext({ kind: 'status', status: 401, path: /manifests/, times: 9 });
    const { repository } = connect(server.url, ROBOT);
    await expect(repository('a').manifest('v1')).rejects.toThrow(
      /401.* did not say how it wants credentials, so it got none: check what stands before it, then run again/,
    );
  });

  it('need one 401 and one token for each repository, however many requests run at once', async () => {
    const { server, count } = await start({});
    const { repository } = connect(server.url, ROBOT);
    const names = Array.from({ length: 20 }, (_, index) => `team/app-${index}`);
    await Promise.all(names.flatMap((name) => [repository(name).head('v1'), repository(name).head('v2')]));
    expect(count(/manifests/, 401)).toBe(1);
    expect(count(/^\/token/)).toBe(20);
  });

  it('serve a look-up and the push that follows, with a mount too', async () => {
    const { server, count } = await start({});
    const { repository } = connect(server.url, ROBOT);
    const target = repository('team/app');
    await target.head('v1', { push: true });
    await target.putBlob({ digest: digestOf('{}') }, CONFIG);
    await target.putManifest(RAW, 'v1');
    await target.head('v1');
    expect(count(/^\/token/)).toBe(1);
    await repository('team/copy').mountBlob(digestOf('{}'), 'team/app');
    await repository('team/copy').putManifest(RAW, 'v1');
    expect(count(/^\/token/)).toBe(2);
  });

  it('are fetched again when they are refused in the middle, and the request goes on', async () => {
    const { server, count } = await start({});
    const { repository } = connect(server.url, ROBOT);
    await repository('team/app').head('v1');
    const challenge = `Bearer realm="${server.url}/token",service="s",error="invalid_token"`;
    server.failNext({ kind: 'status', status: 401, path: /manifests/, headers: { 'www-authenticate': challenge } });
    expect(await repository('team/app').head('v1')).toBeUndefined();
    expect(count(/^\/token/)).toBe(2);
  });

  it.each([
    ['an hour behind', -3_600_000],
    ['an hour ahead', 3_600_000],
  ])('of a service whose clock is %s are good for as long as it says', async (_, skew) => {
    const { server, count } = await start({ now: () => Date.now() + skew });
    const { repository } = connect(server.url, ROBOT);
    for (const tag of ['v1', 'v2', 'v3']) await repository('team/app').head(tag);
    expect(count(/^\/token/)).toBe(1);
    expect(count(/manifests/, 401)).toBe(1);
  });

  it('are exchanged for an identity token by the form', async () => {
    const { server } = await start({});
    const url = new URL('/token?service=s&offline_token=true', server.url);
    const authorization = `Basic ${Buffer.from(`${ROBOT.username}:${ROBOT.password}`).toString('base64')}`;
    const answer = (await (await fetch(url, { headers: { authorization } })).json()) as { refresh_token: string };
    const { repository } = connect(server.url, { identityToken: answer.refresh_token });
    await repository('team/app').putBlob({ digest: digestOf('{}') }, CONFIG);
    expect(server.requests.filter(({ method, path }) => method === 'POST' && path === '/token')).toHaveLength(1);
    expect(await server.state.hasBlob(digestOf('{}'), 'team/app')).toBe(true);
  });
});

describe('the lifetime of a token', () => {
  const DATE = Date.parse('2030-01-01T00:00:00Z');

  it.each([
    ['300 s', { expires_in: 300 }, 300_000],
    ['60 s when nothing is said', {}, 60_000],
    ['60 s for nonsense', { expires_in: -5 }, 60_000],
    [
      'what is left of it when it was kept',
      { expires_in: 300, issued_at: new Date(DATE - 100_000).toISOString() },
      200_000,
    ],
    [
      'all of it when it comes from the future',
      { expires_in: 300, issued_at: new Date(DATE + 9_000_000).toISOString() },
      300_000,
    ],
    [
      'a little when it should have ended',
      { expires_in: 300, issued_at: new Date(DATE - 9_000_000).toISOString() },
      30_000,
    ],
    ['all of it when the date is none', { expires_in: 300, issued_at: 'yesterday' }, 300_000],
  ])('is %s', async (_, fields, lifetime) => {
    const server = createServer((_, response) => {
      response.writeHead(200, { date: new Date(DATE).toUTCString() }).end(JSON.stringify({ token: 't', ...fields }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const dispatcher = createDispatcher();
    onTestFinished(async () => {
      await dispatcher.destroy();
      server.close();
    });
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const endpoint = resolveEndpoint(NAME, { endpoint: origin, 'plain-http': true });
    const challenge = { scheme: 'bearer', realm: `${origin}/token`, service: undefined, scope: undefined } as const;
    const request = { endpoint, challenge, credential: undefined, scope: 'repository:a:pull', account: '', dispatcher };
    expect(await fetchToken(request)).toEqual({ value: 't', lifetime });
  });
});

describe('a refusal', () => {
  it('says whose credentials were used and where they stand', async () => {
    const { server } = await start({ auth: 'basic' });
    const { repository } = connect(
      server.url,
      { username: 'robot', password: 'wrong' },
      { origin: '/docker/config.json' },
    );
    await expect(repository('team/app').manifest('v1')).rejects.toThrow(
      /Check the user name and password for this registry\. It was asked with the user robot from \/docker\/config\.json\./,
    );
  });

  it.each(['basic', 'token'] as const)('says where to put credentials when there are none (%s)', async (auth) => {
    const { server } = await start({ auth });
    const { repository } = connect(server.url, undefined, {
      origin: '/docker/config.json',
      advice: 'give the inputs a and b',
    });
    await expect(repository('team/app').manifest('v1')).rejects.toThrow(
      /No credentials for registry\.example\.com were given or found in \/docker\/config\.json: run docker login registry\.example\.com before this step, or give the inputs a and b\./,
    );
  });

  it('asks the program for credentials once, only when the registry wants some, and tells what is wrong with it', async () => {
    let runs = 0;
    const programs = {
      serves: () => true,
      lookUp: () => {
        runs += 1;
        return Promise.reject(new Error('the program is missing'));
      },
    };
    const open = await start({ auth: 'none' });
    await connect(open.server.url, undefined, { programs }).repository('team/app').head('v1');
    expect(runs).toBe(0);
    const closed = await start({});
    const { repository } = connect(closed.server.url, undefined, { programs });
    const heads = await Promise.allSettled(['v1', 'v2', 'v3'].map((tag) => repository('team/app').head(tag)));
    for (const head of heads) {
      expect(head.status === 'rejected' && String(head.reason)).toMatch(
        /401\. It was asked without credentials: the program is missing$/,
      );
    }
    expect(runs).toBe(1);
    const everybody = await start({ anonymousPull: true });
    expect(
      await connect(everybody.server.url, undefined, { programs }).repository('team/app').head('v1'),
    ).toBeUndefined();
  });
});

describe('credentials that a program gave', () => {
  const OLD = { username: 'robot', password: 'yesterday' };

  /** A program that gives the old password first, then whatever `next` is. */
  function rotate(next: { readonly username: string; readonly password: string }) {
    let runs = 0;
    const lookUp = () => {
      runs += 1;
      return Promise.resolve({ credential: runs === 1 ? OLD : next, origin: 'the vault', renewable: true });
    };
    return { programs: { serves: () => true, lookUp }, runs: () => runs };
  }

  it.each(['basic', 'token'] as const)('are asked for once more when they are refused (%s)', async (auth) => {
    const { server } = await start({ auth });
    const vault = rotate(ROBOT);
    const { repository } = connect(server.url, undefined, vault);
    const tags = ['v1', 'v2', 'v3', 'v4'];
    const heads = await Promise.all(tags.map((tag) => repository('team/app').head(tag)));
    expect(heads).toEqual(tags.map(() => undefined));
    expect(vault.runs()).toBe(2);
  });

  it.each(['basic', 'token'] as const)('are not tried again when they are the same (%s)', async (auth) => {
    const { server, count } = await start({ auth });
    const vault = rotate(OLD);
    const { repository } = connect(server.url, undefined, vault);
    for (const tag of ['v1', 'v2', 'v3']) {
      await expect(repository('team/app').head(tag)).rejects.toThrow(/401.* user robot from the vault/);
    }
    expect(vault.runs()).toBe(2);
    expect(count(auth === 'basic' ? /manifests/ : /^\/token/)).toBe(auth === 'basic' ? 4 : 3);
  });

  it('are asked for by the program only: what was given by hand does not change', async () => {
    const { server } = await start({ auth: 'basic' });
    const vault = rotate(ROBOT);
    const { repository } = connect(server.url, OLD, { programs: { ...vault.programs, lookUp: async () => undefined } });
    await expect(repository('team/app').head('v1')).rejects.toThrow(/user robot/);
    expect(vault.runs()).toBe(0);
  });
});

describe('the limit of pulls', () => {
  async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  it('is shown once, and warned of when it is near', async () => {
    let left = 12;
    const { repository, lines } = await serve((_, response) => {
      left -= 1;
      response
        .writeHead(200, { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': `${left};w=21600` })
        .end(MANIFEST);
    });
    for (let pull = 0; pull < 4; pull += 1) await repository('team/app').manifest('v1');
    expect(lines).toEqual([
      'registry.example.com: 11 of 100 pulls left in 6 h.',
      expect.stringMatching(/^warning: registry\.example\.com: 10 of 100 pulls left in 6 h\. Log in/),
    ]);
  });

  it('is not mixed up with the limit of requests that other servers have', async () => {
    const { repository, lines } = await serve((_, response) => {
      response.writeHead(200, { 'ratelimit-limit': '60', 'ratelimit-remaining': '1' }).end(MANIFEST);
    });
    await repository('team/app').manifest('v1');
    expect(lines).toEqual([]);
  });

  it('that is reached says when to come back, and to log in', async () => {
    const { repository } = await serve((_, response) => {
      const headers = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '0;w=21600' };
      response.writeHead(429, headers).end(JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message: 'limit' }] }));
    });
    await expect(repository('team/app').manifest('v1')).rejects.toThrow(
      /429 TOOMANYREQUESTS.*0 of 100 pulls left in 6 h\. Come back in 6 h at the latest, or log in.*docker login/,
    );
  });
});
