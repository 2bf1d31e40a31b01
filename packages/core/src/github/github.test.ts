import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commitFiles } from '@slipway/sandbox/github/seed';
import { type GitHubServer, startGitHub } from '@slipway/sandbox/github/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RetryBudget } from '../util/retry.ts';
import { BlobReader } from './blob-reader.ts';
import { CommitFiles } from './commit-files.ts';
import { connectGitHub, type GitHub } from './connect.ts';
import { gitBlobId } from './git-object.ts';
import { listChangedFiles, listOpenPullRequests, readPullRequest } from './pull-request.ts';
import { readBranchHead, readDefaultBranch } from './repository.ts';

const REPOSITORY = 'acme/releases';
const READER = { token: 'reader', login: 'ada', permissions: { contents: 'read' } } as const;

let directory: string;
let server: GitHubServer;
let pauses: number[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'core-github-'));
  const tokens = [{ token: 'sandbox-token', login: 'grace' }, READER];
  server = await startGitHub({ directory, repositories: { [REPOSITORY]: null }, tokens });
  pauses = [];
});

afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

function connect(token: string | undefined = 'sandbox-token'): GitHub {
  const sleep = async (milliseconds: number): Promise<void> => {
    pauses.push(milliseconds);
  };
  return connectGitHub({ token, apiUrl: server.apiUrl, budget: new RetryBudget({ sleep, random: () => 0 }) });
}

function commit(branch: string, files: Parameters<typeof commitFiles>[2], parent?: string | null): Promise<string> {
  return commitFiles(server.repositoryPath(REPOSITORY), branch, files, {
    message: 'x',
    ...(parent !== undefined && { parent }),
  });
}

async function openPullRequest(head: string, base = 'main'): Promise<number> {
  const response = await fetch(`${server.apiUrl}/repos/${REPOSITORY}/pulls`, {
    method: 'POST',
    headers: { authorization: 'Bearer sandbox-token' },
    body: JSON.stringify({ title: `Merge ${head}`, head, base }),
  });
  const { number } = (await response.json()) as { number: number };
  return number;
}

describe('pull requests', () => {
  it('are read as they are now, with what they change', async () => {
    const base = await commit('main', {
      'plugins/a.yaml': 'a\n'.repeat(20),
      'plugins/b.yaml': 'b\n',
      'plugins/c.yaml': 'c\n',
    });
    const head = await commit(
      'feature/one',
      {
        'plugins/a.yaml': null,
        'plugins/d.yaml': 'a\n'.repeat(20),
        'plugins/b.yaml': 'B\n',
        'plugins/c.yaml': null,
        'new 文件.md': 'x',
      },
      base,
    );
    const number = await openPullRequest('feature/one');
    const github = connect();
    expect(await readPullRequest(github, REPOSITORY, number)).toEqual({
      nodeId: expect.stringMatching(/./),
      isDraft: false,
      number,
      title: 'Merge feature/one',
      body: '',
      author: 'grace',
      baseRef: 'main',
      headSha: head,
    });
    const files = await listChangedFiles(github, REPOSITORY, number);
    expect(files).toEqual([
      { status: 'added', path: 'new 文件.md', id: gitBlobId(Buffer.from('x')) },
      { status: 'modified', path: 'plugins/b.yaml', id: gitBlobId(Buffer.from('B\n')) },
      { status: 'removed', path: 'plugins/c.yaml', id: gitBlobId(Buffer.from('c\n')) },
      {
        status: 'renamed',
        path: 'plugins/d.yaml',
        previousPath: 'plugins/a.yaml',
        id: gitBlobId(Buffer.from('a\n'.repeat(20))),
      },
    ]);
  });

  it('are listed over all pages, those with the same base alone', async () => {
    const base = await commit('main', { a: '0' });
    await commit('release/v1', { a: '1' }, base);
    const many = Object.fromEntries(Array.from({ length: 130 }, (_, index) => [`file-${index}`, 'x']));
    await commit('many', many, base);
    const number = await openPullRequest('many');
    await openPullRequest('release/v1', 'main');
    await openPullRequest('many', 'release/v1');
    const github = connect();
    expect(await listChangedFiles(github, REPOSITORY, number)).toHaveLength(130);
    expect((await listOpenPullRequests(github, REPOSITORY, 'release/v1')).map(({ title }) => title)).toEqual([
      'Merge many',
    ]);
    expect(await listOpenPullRequests(github, REPOSITORY, 'main')).toHaveLength(2);
  });
});

describe('the answer about changed files', () => {
  const answer = (file: object): Promise<unknown> => {
    const body = JSON.stringify([{ filename: 'plugins/a.yaml', sha: 'a'.repeat(40), ...file }]);
    server.failNext({ kind: 'status', status: 200, path: /files/, body });
    return listChangedFiles(connect(), REPOSITORY, 1);
  };

  it('may have no id, and files that have not changed', async () => {
    expect(await answer({ status: 'added', sha: null })).toEqual([{ status: 'added', path: 'plugins/a.yaml' }]);
    expect(await answer({ status: 'unchanged' })).toEqual([]);
    expect(await answer({ status: 'copied' })).toMatchObject([{ status: 'added', id: 'a'.repeat(40) }]);
  });

  it.each(['weird', '', 'constructor'])('may not have the status %j', async (status) => {
    await expect(answer({ status })).rejects.toThrow(`the status '${status}', which is not known`);
  });
});

describe('the files of a commit', () => {
  it('are listed with their modes, and read once each', async () => {
    const content = Buffer.from([0xef, 0xbb, 0xbf, 0xff, 0x00, 0x0a]);
    const sha = await commit('main', {
      'docs/readme.md': 'x',
      'release/plugins/a.yaml': content,
      'release/plugins/b.yaml': { content: 'b', executable: true },
      'release/plugins/c.yaml': { symlink: 'a.yaml' },
      'release/plugins/d.yaml': { submodule: 'd'.repeat(40) },
      'release/plugins/old/a.yaml': content,
    });
    const files = new CommitFiles(
      connect(READER.token),
      REPOSITORY,
      sha,
      new BlobReader(connect(READER.token), REPOSITORY),
    );
    const listed = await files.list('release/plugins');
    expect(listed.map(({ path, mode, size }) => [path, mode, size])).toEqual([
      ['release/plugins/a.yaml', '100644', 6],
      ['release/plugins/b.yaml', '100755', 1],
      ['release/plugins/c.yaml', '120000', 6],
      ['release/plugins/d.yaml', '160000', 0],
      ['release/plugins/old/a.yaml', '100644', 6],
    ]);
    const [a, , , , old] = listed;
    if (a === undefined || old === undefined) throw new Error('not listed');
    expect(await Promise.all([files.read(a), files.read(old), files.read(a)])).toEqual([content, content, content]);
    expect(server.requests.filter(({ path }) => path.includes('/git/blobs/'))).toHaveLength(1);
    expect(await files.list('release/absent')).toEqual([]);
    expect(await files.list('docs/readme.md')).toEqual([]);
    expect((await files.find('docs/readme.md'))?.toString()).toBe('x');
    expect(await files.find('release/plugins/c.yaml')).toBeUndefined();
    expect(await files.find('absent')).toBeUndefined();
  });

  describe('are read together', () => {
    const contents = Array.from({ length: 250 }, (_, index) => Buffer.from(`文件 ${index}\n`));
    const odd = [Buffer.from([0x61, 0xff]), Buffer.from('a\0b'), Buffer.alloc(100_000, 'x'), Buffer.from('\uFEFFx')];
    const asked = (path: string) => server.requests.filter((request) => request.path.includes(path)).length;

    async function readAll() {
      const all = [...contents, ...odd];
      const sha = await commit('main', Object.fromEntries(all.map((content, index) => [`p/${index}`, content])));
      const github = connect(READER.token);
      const files = new CommitFiles(github, REPOSITORY, sha, new BlobReader(github, REPOSITORY));
      const listed = await files.list('p');
      const expected = listed.map(({ path }) => all[Number(path.slice(2))]);
      return { files, listed, expected };
    }

    it('by the hundred, those alone that cannot come that way', async () => {
      const { files, listed, expected } = await readAll();
      expect(await files.readMany(listed)).toEqual(expected);
      expect(asked('/graphql')).toBe(3);
      expect(asked('/git/blobs/')).toBe(3);
      expect(await files.readMany(listed)).toEqual(expected);
      expect(asked('/graphql')).toBe(3);
    });

    it.each([
      ['there is no GraphQL', { status: 404, body: '{"message":"Not Found"}' }],
      ['it is refused', { status: 403, body: '{"message":"Resource not accessible by integration"}' }],
      ['its limit is used up', { status: 200, body: '{"errors":[{"type":"RATE_LIMITED","message":"x"}]}' }],
      ['it shows no repository', { status: 200, body: '{"data":{"repository":null}}' }],
      ['it is no JSON', { status: 200, body: 'oops' }],
      [
        'it lies',
        {
          status: 200,
          body: JSON.stringify({
            data: { repository: Object.fromEntries(contents.map((_, index) => [`b${index}`, { text: 'wrong' }])) },
          }),
        },
      ],
      [
        'it knows nothing',
        { status: 200, body: JSON.stringify({ data: { repository: { b0: null, b1: 5, b2: { text: 5 } } } }) },
      ],
    ])('and one by one where %s', async (_, fault) => {
      const { files, listed, expected } = await readAll();
      server.failNext({ kind: 'status', method: 'POST', path: /graphql/, times: 100, ...fault });
      expect(await files.readMany(listed)).toEqual(expected);
      expect(asked('/git/blobs/')).toBe(listed.length);
    });

    it('unless there are but a few', async () => {
      const { files, listed, expected } = await readAll();
      expect(await files.readMany(listed.slice(0, 8))).toEqual(expected.slice(0, 8));
      expect(asked('/graphql')).toBe(0);
    });
  });

  it('are listed tree by tree where GitHub cuts the listing', async () => {
    const sha = await commit('main', {
      'plugins/a.yaml': '1',
      'plugins/old/b.yaml': '2',
      'plugins/old/er/c.yaml': '3',
    });
    const cut = JSON.stringify({ tree: [], truncated: true });
    server.failNext({ kind: 'status', status: 200, path: /recursive=1/, body: cut, times: 2 });
    const files = new CommitFiles(connect(), REPOSITORY, sha, new BlobReader(connect(), REPOSITORY));
    const paths = (await files.list('plugins')).map(({ path }) => path);
    expect(paths).toEqual(['plugins/a.yaml', 'plugins/old/b.yaml', 'plugins/old/er/c.yaml']);
  });

  it('are those of the branch now', async () => {
    const sha = await commit('release/v1', { a: '1' });
    expect(await readBranchHead(connect(), REPOSITORY, 'release/v1')).toBe(sha);
    expect(await readDefaultBranch(connect(), REPOSITORY)).toBe('main');
  });
});

describe('failures', () => {
  const ask = (token?: string) => readDefaultBranch(connect(token), REPOSITORY);

  it.each([
    ['a reset', { kind: 'reset' }],
    ['a cut answer', { kind: 'truncate' }],
    ['a 502', { kind: 'status', status: 502 }],
  ] as const)('are tried again after %s', async (_, fault) => {
    server.failNext(fault);
    expect(await ask()).toBe('main');
    expect(pauses).toEqual([0]);
  });

  it.each([
    ['a 429', 429, { 'retry-after': '7' }, '{}', 7000],
    [
      'a secondary rate limit',
      403,
      { 'retry-after': '3' },
      '{"message":"You have exceeded a secondary rate limit"}',
      3000,
    ],
    [
      'a secondary rate limit without a pause',
      403,
      {},
      '{"message":"You have exceeded a secondary rate limit"}',
      60_000,
    ],
  ] as const)('wait as long as GitHub asks after %s', async (_, status, headers, body, pause) => {
    server.failNext({ kind: 'status', status, headers, body });
    expect(await ask()).toBe('main');
    expect(pauses).toContain(pause);
  });

  it('end when the rate limit comes back too late', async () => {
    const reset = String(Math.ceil(Date.now() / 1000) + 3000);
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset };
    server.failNext({ kind: 'status', status: 403, headers, body: '{"message":"API rate limit exceeded"}' });
    await expect(ask()).rejects.toThrow(/rate limit is used up/);
    expect(pauses).toEqual([]);
  });

  it('end when they do not pass', async () => {
    server.failNext({ kind: 'status', status: 500, times: 100 });
    await expect(ask()).rejects.toMatchObject({ name: 'GitHubError', code: 'github', status: 500 });
  });

  it('say what to do about the token', async () => {
    await expect(ask('wrong')).rejects.toThrow(/Bad credentials.*input 'token'/s);
    await commit('main', { a: '1' });
    const forbidden = readPullRequest(connect(READER.token), REPOSITORY, 1);
    await expect(forbidden).rejects.toMatchObject({ name: 'ConfigurationError' });
    await expect(readPullRequest(connect(), REPOSITORY, 99)).rejects.toThrow(
      /#99.*does not exist.*pull-requests: read/s,
    );
    await expect(readDefaultBranch(connect(), 'acme')).rejects.toThrow(/owner\/name/);
  });

  it('name the setting without which a job may open no pull request', async () => {
    const message = 'GitHub Actions is not permitted to create or approve pull requests.';
    server.failNext({ kind: 'status', status: 403, body: JSON.stringify({ message }) });
    await expect(ask()).rejects.toMatchObject({
      code: 'actions-pull-requests',
      message: expect.stringContaining('Settings → Actions → General → Workflow permissions'),
    });
  });

  it('never give wrong bytes or shapes', async () => {
    const sha = await commit('main', { 'x/a.yaml': 'content' });
    const blobs = new BlobReader(connect(), REPOSITORY);
    const [file] = await new CommitFiles(connect(), REPOSITORY, sha, blobs).list('x');
    const wrong = JSON.stringify({ content: Buffer.from('other').toString('base64'), encoding: 'base64' });
    server.failNext({ kind: 'status', status: 200, path: /blobs/, body: wrong });
    await expect(blobs.read(file?.id ?? '')).rejects.toThrow(/not the blob/);
    server.failNext({ kind: 'status', status: 200, body: '{"default_branch":5}' });
    await expect(ask()).rejects.toThrow(/no 'default_branch' that is a text/);
    server.failNext({ kind: 'status', status: 200, body: '{}' });
    await expect(listOpenPullRequests(connect(), REPOSITORY, 'main')).rejects.toThrow(/no list/);
  });
});
