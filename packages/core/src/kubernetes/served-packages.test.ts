import { type ListeningServer, listen, sendJson } from '@slipway/sandbox/http-server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { awaitServed } from './served-packages.ts';
import { fastClock } from './testing.ts';

interface Answer {
  readonly health?: number;
  readonly status?: number;
  readonly body?: unknown;
  /** Never comes. */
  readonly hangs?: true;
}

let server: ListeningServer;
/** One after the other; the last one again and again. */
let answers: Answer[];
let lines: string[];

beforeEach(async () => {
  [answers, lines] = [[], []];
  server = await listen({}, (request, response) => {
    const [{ health = 200, status = 200, body = [], hangs } = {}] = answers;
    if (request.url === '/health') return sendJson(response, health, {});
    if (answers.length > 1) answers.shift();
    if (hangs) return;
    return sendJson(response, status, body);
  });
});

afterEach(() => server.close());

const packages = (...names: string[]) => names.map((name) => ({ name, version: '1.2.0-beta.1', title: name }));

function ask(expected: string[] = [], url = server.url): Promise<string | undefined> {
  const log = { info: (line: string) => lines.push(line), warning: (line: string) => lines.push(line) };
  return awaitServed({ url, expect: packages(...expected), cache: 20_000, clock: fastClock(100), log });
}

describe('awaitServed', () => {
  it('asks until everything that is expected is there', async () => {
    answers = [{ body: packages('tcp') }, { body: packages('tcp') }, { body: packages('tcp', 'fleet_server') }];
    expect(await ask(['fleet_server'])).toBeUndefined();
    const asked = server.requests.map(({ path }) => path);
    expect(asked).toHaveLength(6);
    expect(new Set(asked)).toEqual(new Set(['/health', '/search?all=true&prerelease=true']));
    expect(lines).toHaveLength(1);
  });

  it('tells another version of a package from the expected one', async () => {
    answers = [{ body: [{ name: 'tcp', version: '1.2.0' }] }];
    expect(await ask(['tcp'])).toBe(`${server.url} does not serve tcp-1.2.0-beta.1`);
  });

  it.each<[Answer, string]>([
    [{ health: 503 }, '/health answers 503'],
    [{ status: 500 }, '/search?all=true&prerelease=true answers 500'],
    [{ body: {} }, '/search?all=true&prerelease=true answers no list of packages'],
    [{ body: [null, 7] }, ' does not serve tcp-1.2.0-beta.1'],
  ])('says after the cache time what is wrong with %j', async (answer, problem) => {
    answers = [answer];
    expect(await ask(['tcp'])).toBe(`${server.url}${problem}`);
  });

  it('gets over a registry that is not up yet', async () => {
    answers = [{ body: packages('tcp') }];
    server.failNext({ kind: 'reset', times: 2 });
    expect(await ask(['tcp'])).toBeUndefined();
  });

  it('says that nobody answers', async () => {
    await server.close();
    expect(await ask()).toMatch(/GET .*\/health failed: .*ECONNREFUSED/);
  });

  it('asks again over another connection when an answer does not come', async () => {
    answers = [{ hangs: true }, { body: packages('tcp') }];
    const log = { info: (line: string) => lines.push(line), warning: (line: string) => lines.push(line) };
    // By the fast clock the cache time is ten seconds of ours.
    const options = { cache: 1_000_000, clock: fastClock(100), log, patience: 1000 };
    expect(await awaitServed({ url: server.url, expect: packages('tcp'), ...options })).toBeUndefined();
    expect(lines).toEqual([expect.stringContaining('does not answer within 1 s')]);
  });
});
