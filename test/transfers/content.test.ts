import { describe, expect, it } from 'vitest';
import { LIGHT, MIXED } from './cargo.ts';
import type { TransferPlace } from './place.ts';
import { expectBlamed, expectHealed } from './trial.ts';
import { useCargo } from './use-cargo.ts';
import type { Mischief } from './wire-fault.ts';

const ALWAYS = Number.POSITIVE_INFINITY;
const OTHER = `sha256:${'0'.repeat(64)}`;
const DIGEST = /sha256:[0-9a-f]{64}/;
const IMAGES = [/acme-(web|agent)/];
const SOURCE = { what: IMAGES, host: 'cargo.example.com' };
const TARGET = { what: IMAGES, host: 'harbor.example.com' };
const BLOB = { method: 'GET', path: /\/blobs\/sha256/ };
const MANIFEST = /\/manifests\//;
const UPLOAD = /\/blobs\/uploads\/[^?]+/;

const open = useCargo(LIGHT);
const openLarge = useCargo(MIXED);

/** Lets every answer about a manifest name a digest that it has not. */
function lie(place: TransferPlace, side: 'source' | 'target', method: string): void {
  const mischief: Mischief = { kind: 'headers', headers: { 'docker-content-digest': OTHER } };
  place.lay('sync', side, { mischief, method, path: MANIFEST, times: ALWAYS });
}

describe.concurrent('sync-images', () => {
  it.each<[string, Mischief, { method: string; path: RegExp }]>([
    ['a blob of which a byte is another', { kind: 'spoil answer', byte: 3000 }, BLOB],
    ['a blob that ends too early', { kind: 'truncate', bytes: 2000 }, BLOB],
    ['a blob that is said to be longer', { kind: 'headers', headers: { 'content-length': '99999999' } }, BLOB],
    ['a blob that is said to be shorter', { kind: 'headers', headers: { 'content-length': '60000' } }, BLOB],
    ['a manifest that ends too early', { kind: 'truncate', bytes: 100 }, { method: 'GET', path: MANIFEST }],
    [
      'a manifest whose digest is not told',
      { kind: 'headers', headers: { 'docker-content-digest': '' } },
      { method: 'HEAD', path: MANIFEST },
    ],
    ['answers in drops', { kind: 'drip', bytes: 4096, pause: 1 }, BLOB],
  ])('survives %s', async (_, mischief, requests) => {
    await using place = await open();
    place.lay('sync', 'source', { mischief, ...requests });
    await expectHealed(place, 'sync');
  });

  it.each<[string, Mischief]>([
    ['with a wrong byte', { kind: 'spoil answer', byte: 50 }],
    ['that never come further', { kind: 'truncate', bytes: 0 }],
  ])('does not store blobs %s, and names them', async (_, mischief) => {
    await using place = await open();
    place.lay('sync', 'source', { mischief, ...BLOB, times: ALWAYS });
    await expectBlamed(place, 'sync', { ...SOURCE, digest: DIGEST });
    expect(await place.target.state.repositories()).toEqual([]);
  });

  it('does not believe a manifest that is not what its digest says', async () => {
    await using place = await open();
    place.lay('sync', 'source', {
      mischief: { kind: 'spoil answer', byte: 30 },
      method: 'GET',
      path: MANIFEST,
      times: ALWAYS,
    });
    await expectBlamed(place, 'sync', { ...SOURCE, digest: DIGEST });
    expect(await place.target.state.repositories()).toEqual([]);
  });

  it('does not believe a digest that has no manifest', async () => {
    await using place = await open();
    lie(place, 'source', 'HEAD');
    await expectBlamed(place, 'sync', { ...SOURCE, digest: OTHER });
  });

  it.each(['PUT', 'PATCH'])(
    'leaves no blob of which a byte was changed on the way (%s), and heals it with the next run',
    async (method) => {
      await using place = await (method === 'PATCH' ? openLarge : open)();
      const ambush = place.lay('sync', 'target', {
        mischief: { kind: 'spoil request', byte: 10 },
        method,
        path: UPLOAD,
        times: ALWAYS,
      });
      await expectBlamed(place, 'sync', { ...TARGET, digest: DIGEST });
      ambush.lift();
      await expectHealed(place, 'sync');
    },
  );

  it('is told when the target stores another manifest than it was given', async () => {
    await using place = await open();
    lie(place, 'target', 'PUT');
    await expectBlamed(place, 'sync', { ...TARGET, digest: OTHER });
  });

  it('writes no tag when the target says that it has a blob, and has not', async () => {
    await using place = await open();
    const length = { 'content-length': '0' };
    const ambush = place.lay('sync', 'target', {
      mischief: { kind: 'answer', status: 200, headers: length },
      method: 'HEAD',
      path: /\/blobs\//,
      times: ALWAYS,
    });
    await expectBlamed(place, 'sync', TARGET);
    ambush.lift();
    await expectHealed(place, 'sync');
  });
});

describe.concurrent('a package', () => {
  it.each(['bundle', 'upload-plugin'] as const)('(%s) survives a blob with a wrong byte', async (job) => {
    await using place = await open();
    place.lay(job, 'target', { mischief: { kind: 'spoil answer', byte: 3000 }, ...BLOB, skip: 3 });
    const { code } = await place.run(job);
    // What was written already cannot be taken back: the next run has to do it.
    if (code !== 0) await expectHealed(place, job);
    expect(place.idle).toEqual([]);
  });

  it.each(['bundle', 'upload-plugin'] as const)('(%s) is not made of blobs with wrong bytes', async (job) => {
    await using place = await open();
    const ambush = place.lay(job, 'target', {
      mischief: { kind: 'spoil answer', byte: 50 },
      ...BLOB,
      skip: 1,
      times: ALWAYS,
    });
    await expectBlamed(place, job, { ...TARGET, digest: DIGEST });
    ambush.lift();
    await expectHealed(place, job);
  });

  it.each<[string, Mischief, { method: string; path: RegExp }]>([
    ['a part with a wrong byte', { kind: 'spoil request', byte: 1000 }, { method: 'PUT', path: /partNumber=2/ }],
    [
      'a part whose checksum is another',
      { kind: 'headers', headers: { 'x-oss-hash-crc64ecma': '1' } },
      { method: 'PUT', path: /partNumber=1/ },
    ],
    ['a checksum file with a wrong byte', { kind: 'spoil request', byte: 3 }, { method: 'PUT', path: /\.sha256/ }],
    [
      'an id of an upload that cannot be read',
      { kind: 'spoil answer', byte: 60 },
      { method: 'POST', path: /[?&]uploads/ },
    ],
    ['a list that cannot be read', { kind: 'truncate', bytes: 50 }, { method: 'GET', path: /[?&]uploads/ }],
    [
      'an object whose checksum is another',
      { kind: 'headers', headers: { 'x-oss-hash-crc64ecma': '1' } },
      { method: 'POST', path: /uploadId=/ },
    ],
  ])('survives %s, on its way to OSS', async (_, mischief, requests) => {
    await using place = await open();
    place.lay('upload-file', 'oss', { mischief, ...requests });
    await expectHealed(place, 'upload-file');
  });

  it('is no object when its parts never arrive as they were sent', async () => {
    await using place = await open();
    const ambush = place.lay('upload-file', 'oss', {
      mischief: { kind: 'spoil request', byte: 1000 },
      method: 'PUT',
      path: /partNumber=/,
      times: ALWAYS,
    });
    const host = new URL(place.wire('oss', 'upload-file').url).host;
    await expectBlamed(place, 'upload-file', { what: [/oss:\/\/infra\/plugins\/acme-web/], host });
    ambush.lift();
    await expectHealed(place, 'upload-file');
  });
});
