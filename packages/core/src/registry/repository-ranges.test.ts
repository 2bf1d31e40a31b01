import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { digestOf } from '../image/digest.ts';
import { readAll } from '../util/content.ts';
import { silentLog } from '../util/log.ts';
import { RetryBudget } from '../util/retry.ts';
import { CredentialStore } from './credentials.ts';
import type { RangeRules } from './parallel-ranges.ts';
import { Registries } from './registries.ts';
import type { Repository } from './repository.ts';

const CONTENT = randomBytes(3_000_001);
const BLOB = { mediaType: 'application/octet-stream', digest: digestOf(CONTENT), size: CONTENT.length };

/** Judged soon, and as slow whatever it is. */
const RULES: RangeRules = { large: 1_000_000, probe: 300_000, slow: Infinity, range: 200_000, atOnce: 4 };

/**
 * Starts a registry with one blob; `alter` says how it answers a range from `start`: `undefined` as it should. A connection
 * of `cut` ends in the middle.
 */
async function serve(
  alter: (start: number) => 'whole' | 'elsewhere' | 'cut' | undefined = () => undefined,
): Promise<{ repository: Repository; ranges: string[] }> {
  const ranges: string[] = [];
  const server = createServer((request, response) => {
    const { range } = request.headers;
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
    if (range !== undefined) ranges.push(range);
    const start = Number(from ?? 0);
    const end = to === undefined || to === '' ? CONTENT.length : Number(to) + 1;
    const how = range === undefined ? undefined : alter(start);
    if (range === undefined || how === 'whole') {
      return response.writeHead(200, { 'content-length': CONTENT.length }).end(CONTENT);
    }
    const first = how === 'elsewhere' ? start + 1 : start;
    const bytes = CONTENT.subarray(first, end);
    const headers = { 'content-length': bytes.length, 'content-range': `bytes ${first}-${end - 1}/${CONTENT.length}` };
    response.writeHead(206, headers);
    if (how !== 'cut') return response.end(bytes);
    response.write(bytes.subarray(0, bytes.length >> 1));
    return setImmediate(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const settings = { 'registry.example.com': { endpoint: `http://127.0.0.1:${port}`, 'plain-http': true } };
  const registries = new Registries(settings, new CredentialStore([]), silentLog, () => new RetryBudget({ base: 1 }));
  onTestFinished(async () => {
    await registries.close();
    server.closeAllConnections();
    server.close();
  });
  return { repository: registries.repository({ registry: 'registry.example.com', repository: 'team/app' }), ranges };
}

async function read(repository: Repository): Promise<boolean> {
  return (await readAll(repository.blob(BLOB, RULES).open(), CONTENT.length)).equals(CONTENT);
}

it('reads a large blob in ranges where the registry knows them', async () => {
  const { repository, ranges } = await serve();
  expect(await read(repository)).toBe(true);
  expect(ranges.length).toBeGreaterThan(8);
});

it.each(['whole', 'elsewhere'] as const)('reads it over one connection where a range gives %s', async (how) => {
  const { repository, ranges } = await serve(() => how);
  expect(await read(repository)).toBe(true);
  expect(ranges).toHaveLength(1);
});

it('takes a range up where its connection broke', async () => {
  let cuts = 0;
  const { repository, ranges } = await serve((start) => {
    if (start < 1_000_000 || cuts === 3) return undefined;
    cuts += 1;
    return 'cut';
  });
  expect(await read(repository)).toBe(true);
  const starts = ranges.map((range) => Number(/=(\d+)/.exec(range)?.[1]));
  // Each cut range was asked for again, but not from its beginning.
  expect(new Set(starts).size).toBe(starts.length);
  expect(starts.filter((start) => (start - (starts[0] ?? 0)) % RULES.range !== 0)).toHaveLength(3);
});

it('fails when a proxy before the registry stops giving ranges in the middle, and never puts in the wrong bytes', async () => {
  const { repository } = await serve((start) => (start > 1_500_000 ? 'elsewhere' : undefined));
  await expect(read(repository)).rejects.toThrow('does not know ranges');
});
