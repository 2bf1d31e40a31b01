import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SMALLEST_PART } from '@slipway/core/object-store/content-digest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StreamPlace } from './fixture.ts';

const MEBIBYTE = 1024 * 1024;
/** A package of four parts. */
const LAYERS = [20 * MEBIBYTE, 9 * MEBIBYTE];
const PARTS = 4;
const main = join(import.meta.dirname, 'main.ts');
let place: StreamPlace;

beforeEach(async () => {
  place = await StreamPlace.open();
  await place.release('web', 'web', LAYERS);
});

afterEach(() => place.close());

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly log: string }>;
}

/** Runs the action as a process of its own, the way the runner does, with a work directory of its own. */
function start(name: string): Run {
  const { inputs, env } = place.settings(name);
  const given = { ...inputs, plugin: place.plugin() };
  const variables = Object.entries(given).map(([input, value]) => [`INPUT_${input.toUpperCase()}`, value]);
  const child = spawn(process.execPath, ['--conditions=@slipway/source', main], {
    env: { PATH: process.env['PATH'], ...env, ...Object.fromEntries(variables) },
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      log += String(chunk);
    });
  }
  return { child, ended: once(child, 'close').then(([code]) => ({ code, log })) };
}

/** Stores the parts before `stuck`, and maybe some after it, then stops the process dead. */
async function killMidway(stuck: number): Promise<number> {
  const headers = { 'retry-after': '300' };
  const path = new RegExp(`partNumber=${stuck}&`);
  place.oss.failNext({ kind: 'status', status: 503, method: 'PUT', path, headers });
  const { child, ended } = start('first');
  const stored = async (): Promise<number> => (await place.oss.uploads('infra'))[0]?.parts.length ?? 0;
  const refused = (): boolean => place.oss.requests.some(({ status }) => status === 503);
  while ((!refused() || (await stored()) < stuck - 1) && child.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill('SIGKILL');
  expect(await ended).toMatchObject({ code: null });
  expect(await place.oss.objects('infra')).toEqual([]);
  return stored();
}

describe('a stream that was killed', () => {
  it.each([2, 4])('while part %i was under way goes on with what is missing', async (stuck) => {
    const kept = await killMidway(stuck);
    const [before, reads] = [place.partsSent(), place.blobReads()];
    const { code, log } = await start('fresh').ended;
    expect({ code, log }).toMatchObject({ code: 0 });
    expect(log).toContain(`continues an upload of which ${kept} parts are there`);
    expect(place.partsSent() - before).toBe(PARTS - kept);
    expect(place.blobReads() - reads).toBe(4);
    await place.stored();
    expect(await place.oss.uploads('infra')).toEqual([]);
  });

  it('and whose images have changed since ends with the right bytes', async () => {
    await killMidway(3);
    await place.release('web', 'another', LAYERS);
    await place.stream();
    const { bytes } = await place.stored();
    expect(bytes.length).toBeGreaterThan(3 * SMALLEST_PART);
    expect(place.partsSent()).toBeGreaterThanOrEqual(PARTS);
    const digest = JSON.parse(place.plugin()).images[0].digest;
    expect(bytes.includes(digest)).toBe(true);
    expect(await place.oss.uploads('infra')).toEqual([]);
  });

  it('can be gone on with from a file, and the other way round', async () => {
    const file = join(place.directory, 'other.tar.gz');
    await writeFile(file, randomBytes(3 * SMALLEST_PART + 5));
    const denied = { kind: 'status', status: 403, method: 'PUT', path: /partNumber=2&/ } as const;
    place.oss.failNext(denied);
    await expect(place.upload({ file, destination: StreamPlace.URI })).rejects.toThrow(/403/);
    // That upload's metadata names the SHA-256 of the file.
    await place.stream();
    const { sha256 } = await place.stored();
    expect([undefined, sha256]).toContain((await place.oss.objects('infra'))[0]?.meta['sha256']);
    expect(await place.oss.uploads('infra')).toEqual([]);
  });
});

describe('a fault', () => {
  it('of parts costs the parts only, and no second reading', async () => {
    const reads = place.blobReads();
    place.oss.failNext({ kind: 'reset', method: 'PUT', path: /partNumber=1&/ });
    place.oss.failNext({ kind: 'status', status: 500, method: 'PUT', path: /partNumber=2&/ });
    place.oss.failNext({ kind: 'lose-reply', method: 'PUT', path: /partNumber=3&/ });
    const damaged = { etag: '"0"', 'x-oss-hash-crc64ecma': '1' };
    place.oss.failNext({ kind: 'status', status: 200, method: 'PUT', path: /partNumber=4&/, headers: damaged });
    await place.stream();
    await place.stored();
    expect(place.blobReads() - reads).toBe(4);
    expect(place.lines.filter((line) => line.startsWith('Trying again'))).toHaveLength(4);
  });

  it.each(['lose-reply', 'corrupt', 'reset', 'truncate'] as const)('%s while completing is healed', async (kind) => {
    place.oss.failNext({ kind, method: 'POST', path: /uploadId=/ });
    expect((await place.stream()).changed).toBe(true);
    await place.stored();
    expect(place.partsSent()).toBe(PARTS);
  });

  it.each(['reset', 'truncate'] as const)('%s of the registry is healed in the middle of a part', async (kind) => {
    place.registry.failNext({ kind, method: 'GET', path: /blobs\/sha256/, times: 3 });
    await place.stream();
    await place.stored();
    expect(place.partsSent()).toBe(PARTS);
  });

  it('of the registry that lasts is told as its own, and the parts are kept for the next run', async () => {
    place.registry.failNext({ kind: 'corrupt', method: 'GET', path: /blobs\/sha256/, times: 50 });
    await expect(place.stream()).rejects.toThrow(/arrived with the digest|names no platform/);
    expect(await place.oss.objects('infra')).toEqual([]);
  });

  it.each([
    ['NoSuchUpload', 404],
    ['InvalidPart', 400],
  ])('of completing, %s, begins anew', async (code, status) => {
    const body = `<Error><Code>${code}</Code></Error>`;
    place.oss.failNext({ kind: 'status', status, method: 'POST', path: /uploadId=/, body });
    await place.stream();
    await place.stored();
    expect(place.partsSent()).toBe(2 * PARTS);
  });

  it('of an upload that vanishes in the middle begins anew', async () => {
    const body = '<Error><Code>NoSuchUpload</Code></Error>';
    place.oss.failNext({ kind: 'status', status: 404, method: 'PUT', path: /partNumber=4&/, body });
    await place.stream();
    await place.stored();
  });

  it('of a key that may not list costs only what was there', async () => {
    const body = '<Error><Code>AccessDenied</Code></Error>';
    place.oss.failNext({ kind: 'status', status: 403, method: 'GET', path: /uploads/, body });
    await place.stream();
    await place.stored();
  });
});

it('two streams of the same package end well, with one object', async () => {
  const ends = await Promise.all([start('one').ended, start('two').ended]);
  expect(ends.map(({ code, log }) => (code === 0 ? 'well' : log))).toEqual(['well', 'well']);
  await place.stored();
});
