import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type OpenRange, type RangeRules, readInRanges } from './parallel-ranges.ts';

const CONTENT = randomBytes(1_000_003);

/** Judged after 100,000 bytes, as slow whatever it is. */
const SLOW: RangeRules = { large: 500_000, probe: 100_000, slow: Infinity, range: 50_000, atOnce: 4 };

/** Content that comes in pieces of 7,001 bytes, and what was asked for. */
function serve(ranges: 'known' | 'refused' | 'cut' = 'known') {
  const asked: [start: number, end: number][] = [];
  let [open, most] = [0, 0];
  const openRange: OpenRange = async function* (start, end, strict) {
    asked.push([start, end]);
    if (strict && ranges === 'refused') throw new Error('no ranges here');
    open += 1;
    most = Math.max(most, open);
    try {
      for (let at = start; at < end; at += 7001) {
        await turn();
        if (ranges === 'cut' && at > 500_000) throw new Error('the line is dead');
        yield Buffer.from(CONTENT.subarray(at, Math.min(end, at + 7001)));
      }
    } finally {
      open -= 1;
    }
  };
  return { openRange, asked, most: () => most, open: () => open };
}

const alone = (): boolean => true;

async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

it('reads a large blob that comes slowly in several ranges, in order and each byte once', async () => {
  const server = serve();
  expect((await collect(readInRanges(CONTENT.length, server.openRange, alone, SLOW))).equals(CONTENT)).toBe(true);
  expect(server.most()).toBeGreaterThan(3);
  expect(server.most()).toBeLessThanOrEqual(SLOW.atOnce + 1);
  const [first, ...ranges] = server.asked;
  expect(first).toEqual([0, CONTENT.length]);
  expect(ranges.reduce((sum, [start, end]) => sum + end - start, 0)).toBe(CONTENT.length - (ranges[0]?.[0] ?? 0));
  expect(server.open()).toBe(0);
});

it.each([
  ['small', { ...SLOW, large: CONTENT.length + 1 }],
  ['fast', { ...SLOW, slow: 0 }],
  ['nearly done when it is judged', { ...SLOW, probe: CONTENT.length - 60_000 }],
])('reads a blob that is %s over one connection', async (_, rules) => {
  const server = serve();
  expect((await collect(readInRanges(CONTENT.length, server.openRange, alone, rules))).equals(CONTENT)).toBe(true);
  expect(server.asked).toEqual([[0, CONTENT.length]]);
});

it('waits with that until few other blobs are read', async () => {
  const server = serve();
  let judged = 0;
  const isAlone = (): boolean => {
    judged += 1;
    return judged === 4;
  };
  expect((await collect(readInRanges(CONTENT.length, server.openRange, isAlone, SLOW))).equals(CONTENT)).toBe(true);
  expect(server.asked[1]?.[0]).toBeGreaterThan(4 * SLOW.probe);
});

it('stays with its connection at a server that knows no ranges', async () => {
  const server = serve('refused');
  expect((await collect(readInRanges(CONTENT.length, server.openRange, alone, SLOW))).equals(CONTENT)).toBe(true);
  expect(server.asked).toHaveLength(2);
});

it('fails when a range fails, and never gives less for the whole', async () => {
  const server = serve('cut');
  await expect(collect(readInRanges(CONTENT.length, server.openRange, alone, SLOW))).rejects.toThrow(
    'the line is dead',
  );
});

it('gives back its places in memory when nobody reads on', async () => {
  for (let times = 0; times < 20; times += 1) {
    let read = 0;
    for await (const chunk of readInRanges(CONTENT.length, serve().openRange, alone, SLOW)) {
      read += chunk.length;
      if (read > 400_000) break;
    }
  }
  const whole = await collect(readInRanges(CONTENT.length, serve().openRange, alone, SLOW));
  expect(whole.equals(CONTENT)).toBe(true);
});
