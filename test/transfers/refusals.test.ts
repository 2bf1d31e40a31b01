import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { describe, expect, it } from 'vitest';
import { type Cargo, LIGHT, MIXED, SOURCE_ROBOT, TAG } from './cargo.ts';
import type { TransferPlace } from './place.ts';
import { SYNC_KINDS } from './request-kinds.ts';
import { blameOf, expectBlamed, expectHealed } from './trial.ts';
import { useCargo } from './use-cargo.ts';

const ALWAYS = Number.POSITIVE_INFINITY;
const DAY = 24 * 60 * 60_000;
const UPLOAD = /\/blobs\/uploads\/[^?]+/;

const open = useCargo(LIGHT);
const openLarge = useCargo(MIXED);

function kindOf(name: string) {
  const kind = SYNC_KINDS.find((one) => one.name === name);
  if (kind === undefined) throw new Error(`there is no kind '${name}'`);
  return kind;
}

/** As a registry says it whose clock, or whose key, has changed. */
function challengeOf(place: TransferPlace, side: 'source' | 'target'): Record<string, string> {
  const realm = `${place.wire(side, 'sync').url}/token`;
  return { 'www-authenticate': `Bearer realm="${realm}",service="sandbox-registry",error="invalid_token"` };
}

describe.concurrent('credentials', () => {
  it('are shown again after a 401 in the middle, whatever it was that was refused', async () => {
    await using place = await openLarge();
    for (const { name, side, method, path } of SYNC_KINDS) {
      if (side === 'oss' || name.startsWith('token')) continue;
      const mischief = { kind: 'answer', status: 401, headers: challengeOf(place, side) } as const;
      place.lay('sync', side, { mischief, method, path });
    }
    await expectHealed(place, 'sync');
  });

  it('that expire in the middle are renewed', async () => {
    let skew = 0;
    await using place = await open({ target: { now: () => Date.now() + skew } });
    place.wire('target', 'sync').onTraffic(({ requests }) => {
      if (requests > 12) skew = DAY;
    });
    await expectHealed(place, 'sync');
    expect(skew).toBe(DAY);
  });

  it.each([
    ['ahead', DAY],
    ['behind', -DAY],
  ])('are good when the clock of the registry is a day %s', async (_, skew) => {
    await using place = await open({ target: { now: () => Date.now() + skew } });
    await expectHealed(place, 'sync');
    expect(place.wire('target', 'sync').requests.filter(({ path }) => path.startsWith('/token')).length).toBeLessThan(
      8,
    );
  });

  it('that are not accepted for good are told of', async () => {
    await using place = await open();
    const kind = kindOf('upload POST');
    const mischief = { kind: 'answer', status: 401, headers: challengeOf(place, 'target') } as const;
    place.lay('sync', 'target', { mischief, method: kind.method, path: kind.path, times: ALWAYS });
    await expectBlamed(place, 'sync', blameOf(place, kind));
  });

  it('do not follow a redirect to the host of the blobs, and a fault of that host is healed', async () => {
    await using place = await open();
    await using source = await startRedirecting(place.cargo);
    place.moveSource(source.registry);
    const { blobHost } = source.registry;
    for (const kind of ['reset', 'truncate', 'corrupt'] as const) blobHost?.failNext({ kind });
    await expectHealed(place, 'sync');
    expect(blobHost?.requests.length).toBeGreaterThan(4);
    expect(blobHost?.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
  });

  it('are not needed where an address has expired: that is told', async () => {
    await using place = await open();
    await using source = await startRedirecting(place.cargo);
    place.moveSource(source.registry);
    source.registry.blobHost?.failNext({ kind: 'status', status: 403, times: 1000 });
    const host = new URL(source.registry.blobHost?.url ?? '').host;
    await expectBlamed(place, 'sync', { what: [/acme-(web|agent)/], digest: /sha256:[0-9a-f]{64}/, host });
  });
});

/** A registry that has the same images, and gives their blobs from another host. */
async function startRedirecting(cargo: Cargo): Promise<{ readonly registry: RegistryServer } & AsyncDisposable> {
  const directory = await mkdtemp(join(cargo.directory, 'redirecting-'));
  const registry = await startRegistry({ directory, auth: 'token', credentials: [SOURCE_ROBOT], redirectBlobs: true });
  for (const { name, image } of cargo.images) {
    await pushImage(registry.url, `team/acme-${name}`, TAG, image, SOURCE_ROBOT);
  }
  return { registry, [Symbol.asyncDispose]: () => registry.close() };
}

describe.concurrent('a registry that is too busy', () => {
  it('is asked again, whatever it says of when to come back', async () => {
    await using place = await open();
    const pauses: Record<string, string>[] = [
      {},
      { 'retry-after': '1' },
      { 'retry-after': new Date(Date.now() + 4000).toUTCString() },
      { 'retry-after': new Date(Date.now() - DAY).toUTCString() },
      { 'retry-after': 'soon' },
      { 'retry-after': '0' },
    ];
    const names = ['manifest GET', 'blob GET', 'token of the target', 'upload POST', 'upload PUT', 'manifest PUT'];
    for (const [index, headers] of pauses.entries()) {
      const { side, method, path } = kindOf(names[index] ?? '');
      place.lay('sync', side, { mischief: { kind: 'answer', status: 429, headers }, method, path });
    }
    const { log } = await expectHealed(place, 'sync');
    expect(log.match(/Trying again/g)?.length).toBeGreaterThanOrEqual(pauses.length - 1);
  });

  it.each([
    ['in seconds', () => '7200'],
    ['by a date', () => new Date(Date.now() + 7_200_000).toUTCString()],
  ])('for two hours (%s) is not waited for, and it is told how long that is', async (_, after) => {
    await using place = await open();
    const kind = kindOf('blob GET');
    const mischief = { kind: 'answer', status: 429, headers: { 'retry-after': after() } } as const;
    place.lay('sync', 'source', { mischief, method: kind.method, path: kind.path, times: ALWAYS });
    const { errors } = await expectBlamed(place, 'sync', blameOf(place, kind));
    expect(errors.join('\n')).toMatch(/It asks to come back in (120|119) min/);
  });

  it('or has a problem is asked again, whatever it was asked', async () => {
    await using place = await openLarge();
    for (const [index, { side, method, path }] of SYNC_KINDS.entries()) {
      const status = [408, 500, 502, 503, 504][index % 5] ?? 500;
      place.lay('sync', side, { mischief: { kind: 'answer', status }, method, path });
    }
    await expectHealed(place, 'sync');
  });
});

describe.concurrent('an upload to a registry that disappears', () => {
  it.each([
    ['before its first chunk', 'PATCH', 0],
    ['between its chunks', 'PATCH', 1],
    ['before it is committed', 'PUT', 1],
  ])('%s is begun anew', async (_, method, skip) => {
    await using place = await openLarge();
    const body = JSON.stringify({ errors: [{ code: 'BLOB_UPLOAD_UNKNOWN', message: 'gone' }] });
    place.lay('sync', 'target', { mischief: { kind: 'answer', status: 404, body }, method, path: UPLOAD, skip });
    await expectHealed(place, 'sync');
  });

  it('whenever a chunk was sent is not sent in chunks any more', async () => {
    await using place = await openLarge();
    const { method, path } = kindOf('upload PATCH');
    const mischief = { kind: 'answer', status: 404 } as const;
    place.lay('sync', 'target', { mischief, method, path, skip: 1, times: ALWAYS });
    await expectHealed(place, 'sync');
  });
});
