import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { readBody } from '@slipway/sandbox/http-server';
import { packageFiles, StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

let fixture: StorageFixture;

beforeEach(async () => {
  fixture = await StorageFixture.start();
  await fixture.commit('main', { '.github/slipway.yaml': fixture.configuration() });
  await fixture.commit('production', packageFiles('base', '1.0.0'), null);
  await fixture.commit('staging', packageFiles('foo', '1.2.3'), null);
  await fixture.commit('snapshot', { ...packageFiles('foo', '1.2.3'), ...packageFiles('bar', '1.0.0') }, null);
  await fixture.publish('staging', await fixture.id('staging'));
});

afterEach(() => fixture.close());

/** What a request asks for, `POST /check-runs`, from the repository on. */
type Hook = (request: string, body: Readonly<Record<string, unknown>>) => Promise<void> | void;

/** Puts somebody between an action and GitHub who does something before a request gets there. */
async function intercept(hook: Hook): Promise<{ apiUrl: string; close(): Promise<void> }> {
  const { apiUrl } = fixture.github;
  const server = createServer(async (request, response) => {
    const path = request.url ?? '/';
    const body = await readBody(request);
    const sent = body.length === 0 ? {} : (JSON.parse(body.toString()) as Record<string, unknown>);
    await hook(`${request.method} ${path.replace(`/repos/${fixture.repository}`, '')}`, sent);
    const answer = await fetch(apiUrl + path, {
      method: request.method ?? 'GET',
      headers: { authorization: 'Bearer sandbox-token', accept: request.headers.accept ?? '*/*' },
      ...(body.length > 0 && { body }),
    });
    const link = answer.headers.get('link');
    response.writeHead(answer.status, { 'content-type': 'application/json', ...(link !== null && { link }) });
    response.end(await answer.text());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()),
  };
}

async function judge(apiUrl = fixture.github.apiUrl) {
  const runtime = recordRuntime({ DOCKER_CONFIG: '/nonexistent' }, { repository: fixture.repository, apiUrl });
  const outputs = await run(inputsFrom(inputs, { token: 'sandbox-token', mode: 'gate' }), runtime);
  return { runtime, outputs };
}

/** Judges while `hook` looks at each request, and returns what was concluded in the checks that were written, in order. */
async function judgeWith(hook: Hook) {
  const written: unknown[] = [];
  const between = await intercept(async (request, body) => {
    await hook(request, body);
    if (request === 'POST /check-runs') written.push(body['conclusion']);
  });
  try {
    return { written, ...(await judge(between.apiUrl)) };
  } finally {
    await between.close();
  }
}

/** Returns a hook that does something before the first request of a kind, and never again. */
function beforeFirst(wanted: string, work: () => Promise<unknown>, skip = 0): Hook {
  let left = skip;
  let isDone = false;
  return async (request) => {
    if (isDone || !request.startsWith(wanted) || left-- > 0) return;
    isDone = true;
    await work();
  };
}

async function open(base: string, files: Parameters<StorageFixture['commit']>[1]): Promise<number> {
  const head = `change-${Math.random().toString(36).slice(2)}`;
  await fixture.commit(head, files, await fixture.id(base));
  return fixture.openPullRequest(head, base, `[${base}] Change`);
}

const openRemoval = () => open('snapshot', { 'packages/foo': null });

async function headOf(number: number): Promise<string> {
  const { head } = (await fixture.call('GET', `pulls/${number}`)) as { head: { sha: string } };
  return head.sha;
}

async function checkOf(number: number): Promise<{ conclusion?: string; summary?: string }> {
  const { check_runs: runs } = await fixture.call('GET', `commits/${await headOf(number)}/check-runs`);
  const [run] = runs as { conclusion: string; output: { summary: string } }[];
  return run === undefined ? {} : { conclusion: run.conclusion, summary: run.output.summary };
}

/** Takes the version away again that the removal leans on, as a push does that starts a run of its own. */
async function revert(): Promise<void> {
  await fixture.commit('staging', { 'packages/foo': null });
  await judge();
}

describe('a slow run does not leave green what a later push has made wrong', () => {
  it('while it still judges others', async () => {
    const removal = await openRemoval();
    const other = await open('snapshot', packageFiles('new', '1.0.0'));
    await judgeWith(beforeFirst(`GET /pulls/${other}`, revert));
    expect(await checkOf(removal)).toMatchObject({ conclusion: 'failure' });
    expect(await checkOf(other)).toMatchObject({ conclusion: 'success' });
  });

  it('between judging and writing', async () => {
    const removal = await openRemoval();
    const { written, outputs } = await judgeWith(beforeFirst('POST /check-runs', revert));
    expect(written).toEqual(['success', 'failure']);
    expect(await checkOf(removal)).toMatchObject({ conclusion: 'failure' });
    expect(outputs).toMatchObject({ changed: true, refused: [{ name: 'foo' }] });
  });

  it('when the later run was done before it wrote', async () => {
    const head = await headOf(await openRemoval());
    // The second look at the checks is the one before writing.
    const { written } = await judgeWith(beforeFirst(`GET /commits/${head}/check-runs`, revert, 1));
    expect(written).toEqual([]);
  });

  it('when an image is replaced, or the pull request itself is changed', async () => {
    const removal = await openRemoval();
    const publish = async () => fixture.publish('staging', await fixture.id('production'));
    expect((await judgeWith(beforeFirst('POST /check-runs', publish))).written).toEqual(['success', 'failure']);
    await fixture.publish('staging', await fixture.id('staging'));
    const rename = () => fixture.call('PATCH', `pulls/${removal}`, { title: 'Change' });
    expect((await judgeWith(beforeFirst('POST /check-runs', rename))).written).toEqual(['success', 'failure']);
  });

  it('when the head comes to be the one of another pull request', async () => {
    const right = await open('snapshot', packageFiles('new', '1.0.0'));
    const { head } = (await fixture.call('GET', `pulls/${right}`)) as { head: { ref: string } };
    const openOther = () => fixture.openPullRequest(head.ref, 'staging', 'no prefix');
    const { written, outputs } = await judgeWith(beforeFirst('POST /check-runs', openOther));
    expect(written).toEqual(['success', 'failure']);
    expect(outputs.plan).toHaveLength(2);
  });

  it('when it cannot look again', async () => {
    const removal = await openRemoval();
    const fail = () => {
      fixture.github.failNext({ kind: 'status', status: 418, method: 'GET', path: /\/pulls\?/ });
      return Promise.resolve();
    };
    const { written, runtime } = await judgeWith(beforeFirst('POST /check-runs', fail));
    expect(written).toEqual(['success', 'failure']);
    expect(runtime.failures.join()).toMatch(/Not all could be judged: .*418/);
    expect((await checkOf(removal)).summary).toMatch(/could not be judged/);
  });

  it('when nothing ever stands still', async () => {
    const removal = await openRemoval();
    let count = 0;
    const { written, runtime } = await judgeWith(async (request) => {
      if (!request.startsWith('GET /pulls?')) return;
      count += 1;
      await fixture.commit('snapshot', { marker: String(count) });
    });
    expect(written).toEqual(['success', 'failure']);
    expect(runtime.failures.join()).toMatch(/went on moving/);
    expect(await checkOf(removal)).toMatchObject({ conclusion: 'failure' });
  });
});

it('has written what it knows of one head before it judges the next', async () => {
  const wrong = await open('snapshot', { 'packages/bar': null });
  const other = await open('snapshot', packageFiles('new', '1.0.0'));
  let known: unknown;
  const look = async () => {
    known = (await checkOf(wrong)).conclusion;
  };
  await judgeWith(beforeFirst(`GET /pulls/${other}`, look));
  expect(known).toBe('failure');
});

it('leaves alone what is merged as soon as it is green', async () => {
  const number = await open('snapshot', packageFiles('new', '1.0.0'));
  const { written, runtime } = await judgeWith(beforeFirst('GET /pulls?', () => fixture.merge(number), 1));
  expect(runtime.failures).toEqual([]);
  expect(written).toEqual(['success']);
});
