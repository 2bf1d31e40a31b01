import { createSign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { contractClient, openWorkplace, type Workplace } from './contract-client.ts';
import { contractFetch } from './openapi/contract.ts';
import { commitFiles } from './seed.ts';

const here = { owner: 'octo', repo: 'plugins' };
const base = Date.UTC(2026, 0, 1);

interface Claims {
  readonly iat?: number;
  readonly exp?: number;
  readonly iss?: number | string;
  readonly alg?: string;
}

/** Signs a JSON web token, by default one as `@octokit/auth-app` makes it. */
function sign(privateKey: string, { iat = -30, exp = 570, iss = 7, alg = 'RS256' }: Claims = {}): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const seconds = base / 1000;
  const text = `${part({ alg, typ: 'JWT' })}.${part({ iat: seconds + iat, exp: seconds + exp, iss })}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey).toString('base64url')}`;
}

interface AppPlace extends Workplace {
  readonly key: string;
  /** Moves the clock, in seconds. */
  wait(seconds: number): void;
  ask(method: string, path: string, token: string, body?: object): Promise<{ status: number; body: unknown }>;
}

async function opened(): Promise<AppPlace> {
  let now = base;
  const workplace = await openWorkplace({
    repositories: { 'octo/plugins': null, 'octo/storage': { private: true }, 'octo/other': { private: true } },
    now: () => new Date(now),
  });
  const { privateKey } = await workplace.server.addApp({
    id: 7,
    slug: 'slipway',
    permissions: { contents: 'write', checks: 'write', issues: 'read' },
    repositories: ['octo/plugins', 'octo/storage'],
  });
  return {
    ...workplace,
    key: privateKey,
    wait: (seconds) => {
      now += seconds * 1000;
    },
    ask: async (method, path, token, body) => {
      const init = { method, headers: { authorization: `Bearer ${token}` } };
      const response = await contractFetch(
        `${workplace.server.apiUrl}${path}`,
        body === undefined ? init : { ...init, body: JSON.stringify(body) },
      );
      const text = await response.text();
      return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
    },
  };
}

/** The text at a key of an answer. */
function textIn(body: unknown, key: string): string {
  const value =
    typeof body === 'object' && body !== null ? Object.entries(body).find(([name]) => name === key)?.[1] : '';
  return String(value);
}

async function mint({ ask, key }: AppPlace, body?: object): Promise<string> {
  const answer = await ask('POST', '/app/installations/701/access_tokens', sign(key), body);
  expect(answer).toMatchObject({ status: 201 });
  return textIn(answer.body, 'token');
}

describe('an app', () => {
  it('shows itself and its installation for a token that it signs', async () => {
    await using place = await opened();
    const { ask, key } = place;
    expect(await ask('GET', '/app', sign(key))).toMatchObject({ status: 200, body: { id: 7, slug: 'slipway' } });
    expect(await ask('GET', '/repos/octo/storage/installation', sign(key, { iss: '7' }))).toMatchObject({
      status: 200,
      body: { id: 701, app_id: 7, app_slug: 'slipway', account: { login: 'octo' }, permissions: { checks: 'write' } },
    });
    expect(await ask('GET', '/repos/octo/other/installation', sign(key, { iss: 'Iv1.7' }))).toMatchObject({
      status: 404,
    });
  });

  it.each([
    ['lives too long', { exp: 601 }, 'too far in the future'],
    ['has died', { exp: -1 }, "'Expiration time' claim ('exp') must be"],
    ['is from the future', { iat: 61 }, "'Issued at' claim ('iat') must be"],
    ['is of an unknown app', { iss: 8 }, 'could not be decoded'],
    ['is signed another way', { alg: 'HS256' }, 'could not be decoded'],
  ])('is refused when its token %s', async (_, claims, message) => {
    await using place = await opened();
    expect(await place.ask('GET', '/app', sign(place.key, claims))).toMatchObject({
      status: 401,
      body: { message: expect.stringContaining(message) },
    });
  });

  it('is refused with the key of another, with a plain token, and where it should be an installation', async () => {
    await using place = await opened();
    const { ask, key, server } = place;
    const other = await server.addApp({ id: 9, slug: 'other', permissions: {}, repositories: [] });
    expect(await ask('GET', '/app', sign(other.privateKey))).toMatchObject({ status: 401 });
    expect(await ask('GET', '/app', 'sandbox-token')).toMatchObject({ status: 401 });
    expect(await ask('GET', '/repos/octo/plugins', sign(key))).toMatchObject({ status: 403 });
  });
});

describe('the token of an installation', () => {
  it('has what was asked for and no more, acts as the bot, and lives for an hour', async () => {
    await using place = await opened();
    const { ask, key, wait } = place;
    const url = '/app/installations/701/access_tokens';
    const narrow = { repositories: ['plugins'], permissions: { contents: 'read', issues: 'read' } };
    const answer = await ask('POST', url, sign(key), narrow);
    expect(answer).toMatchObject({
      status: 201,
      body: {
        expires_at: '2026-01-01T01:00:00Z',
        permissions: { contents: 'read', issues: 'read', metadata: 'read' },
        repositories: [{ full_name: 'octo/plugins' }],
      },
    });
    const token = textIn(answer.body, 'token');
    expect(await ask('GET', '/repos/octo/plugins', token)).toMatchObject({ status: 200 });
    expect(await ask('GET', '/repos/octo/storage', token)).toMatchObject({ status: 404 });
    expect(await ask('POST', '/repos/octo/plugins/git/blobs', token, { content: 'x' })).toMatchObject({ status: 403 });
    expect(await ask('GET', '/installation/repositories', token)).toMatchObject({
      body: { total_count: 1, repositories: [{ full_name: 'octo/plugins' }] },
    });
    wait(3599);
    expect(await ask('GET', '/repos/octo/plugins', token)).toMatchObject({ status: 200 });
    wait(1);
    expect(await ask('GET', '/repos/octo/plugins', token)).toMatchObject({ status: 401 });
  });

  it('is refused beyond the permissions and repositories of the app', async () => {
    await using place = await opened();
    const { ask, key } = place;
    const url = '/app/installations/701/access_tokens';
    const refused = [
      { permissions: { issues: 'write' } },
      { permissions: { actions: 'read' } },
      { repositories: ['other'] },
      { repository_ids: [place.server.site.find('octo/other')?.record.id] },
    ];
    for (const body of refused) expect(await ask('POST', url, sign(key), body)).toMatchObject({ status: 422 });
    expect(await ask('POST', '/app/installations/901/access_tokens', sign(key))).toMatchObject({ status: 404 });
    const storage = place.server.site.find('octo/storage')?.record.id;
    const token = await mint(place, { repository_ids: [storage] });
    expect(await ask('GET', '/repos/octo/storage', token)).toMatchObject({ status: 200 });
  });

  it('can be given back, and is no user', async () => {
    await using place = await opened();
    const { ask, server } = place;
    const token = await mint(place);
    const headers = { authorization: `Bearer ${token}` };
    const query = JSON.stringify({ query: '{ viewer { login } }' });
    const viewer = await fetch(server.graphqlUrl, { method: 'POST', headers, body: query });
    expect(await viewer.json()).toEqual({ data: { viewer: { login: 'slipway[bot]' } } });
    expect(await ask('GET', '/user', token)).toMatchObject({ status: 403 });
    expect(await ask('DELETE', '/installation/token', 'sandbox-token')).toMatchObject({ status: 403 });
    expect(await ask('DELETE', '/installation/token', token)).toEqual({ status: 204, body: undefined });
    expect(await ask('GET', '/repos/octo/plugins', token)).toMatchObject({ status: 401 });
  });

  it('writes check runs that no other app can change', async () => {
    await using place = await opened();
    const { server } = place;
    const sha = await commitFiles(server.repositoryPath('octo/plugins'), 'main', { a: 'a' }, { message: 'A' });
    const own = contractClient(server, await mint(place)).rest.checks;
    server.addToken({ token: 'job', login: 'github-actions[bot]', permissions: { checks: 'write' } });
    const job = contractClient(server, 'job').rest.checks;
    const { data: run } = await own.create({ ...here, name: 'release', head_sha: sha });
    const { data: other } = await job.create({ ...here, name: 'release', head_sha: sha });
    expect([run.app, other.app]).toMatchObject([
      { id: 7, slug: 'slipway' },
      { id: 15368, slug: 'github-actions' },
    ]);
    const done = { ...here, check_run_id: run.id, conclusion: 'success' } as const;
    await expect(job.update(done)).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining('Invalid app_id `15368`'),
    });
    await own.update(done);
    expect((await own.get({ ...here, check_run_id: run.id })).data.conclusion).toBe('success');
    const { data } = await own.listForRef({ ...here, ref: 'main', app_id: 7 });
    expect(data.check_runs.map(({ id }) => id)).toEqual([run.id]);
  });
});
