import { afterEach, describe, expect, test } from 'vitest';
import {
  errorCode,
  manifestText,
  OCI_INDEX,
  OCI_MANIFEST,
  putBlob,
  putImage,
  putManifest,
  RegistryFixture,
  sha256,
} from './registry-fixture.ts';

const fixture = new RegistryFixture();
afterEach(() => fixture.cleanUp());

test('the base answers, other paths and bad names do not', async () => {
  const { url } = await fixture.start();
  expect((await fetch(`${url}/v2/`)).status).toBe(200);
  expect((await fetch(`${url}/v1/`)).status).toBe(404);
  const bad = await fetch(`${url}/v2/Upper/tags/list`);
  expect([bad.status, await errorCode(bad)]).toEqual([400, 'NAME_INVALID']);
  const climbing = await fetch(`${url}/v2/a/%2e%2e%2f%2e%2e%2fb/tags/list`);
  expect(climbing.status).toBe(400);
});

describe('blobs', () => {
  test('are sent whole, in ranges, and refused behind their end', async () => {
    const { url } = await fixture.start();
    const digest = await putBlob(url, 'a/b', '0123456789');
    const at = `${url}/v2/a/b/blobs/${digest}`;
    const head = await fetch(at, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '10']);
    expect(await (await fetch(at)).text()).toBe('0123456789');
    const part = await fetch(at, { headers: { range: 'bytes=3-5' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 3-5/10', '345']);
    const behind = await fetch(at, { headers: { range: 'bytes=10-' } });
    expect([behind.status, behind.headers.get('content-range')]).toEqual([416, 'bytes */10']);
    const empty = await putBlob(url, 'a/b', '');
    expect(await (await fetch(`${url}/v2/a/b/blobs/${empty}`)).text()).toBe('');
  });

  test('belong to the repository they were pushed to', async () => {
    const { url, state } = await fixture.start();
    const digest = await putBlob(url, 'a', 'content');
    const other = await fetch(`${url}/v2/b/blobs/${digest}`);
    expect([other.status, await errorCode(other)]).toEqual([404, 'BLOB_UNKNOWN']);
    const mount = await fetch(`${url}/v2/b/blobs/uploads/?mount=${digest}&from=a`, { method: 'POST' });
    expect([mount.status, mount.headers.get('docker-content-digest')]).toEqual([201, digest]);
    expect(mount.headers.get('location')).toBe(`${url}/v2/b/blobs/${digest}`);
    expect((await fetch(`${url}/v2/a/blobs/${digest}`, { method: 'DELETE' })).status).toBe(202);
    expect((await fetch(`${url}/v2/a/blobs/${digest}`)).status).toBe(404);
    expect(await (await fetch(`${url}/v2/b/blobs/${digest}`)).text()).toBe('content');
    expect(await state.blobs('b')).toEqual([digest]);
  });

  test('a registry may refuse mounts and deletions', async () => {
    const { url, state } = await fixture.start({ mount: 'refuse', deletes: false });
    const digest = await putBlob(url, 'a', 'content');
    const mount = await fetch(`${url}/v2/b/blobs/uploads/?mount=${digest}&from=a`, { method: 'POST' });
    expect(mount.status).toBe(202);
    expect(await state.hasBlob(digest, 'b')).toBe(false);
    const removal = await fetch(`${url}/v2/a/blobs/${digest}`, { method: 'DELETE' });
    expect([removal.status, await errorCode(removal)]).toEqual([405, 'UNSUPPORTED']);
  });

  test('are redirected to a host that refuses credentials', async () => {
    const { url, blobHost } = await fixture.start({ redirectBlobs: true });
    const digest = await putBlob(url, 'a', 'far away');
    const answer = await fetch(`${url}/v2/a/blobs/${digest}`, { redirect: 'manual' });
    expect(answer.status).toBe(307);
    const location = answer.headers.get('location') ?? '';
    expect(new URL(location).origin).toBe(blobHost?.url);
    expect(await (await fetch(location)).text()).toBe('far away');
    expect((await fetch(location, { headers: { range: 'bytes=4-' } })).status).toBe(206);
    expect((await fetch(location, { headers: { range: 'bytes=99-' } })).status).toBe(416);
    expect((await fetch(location, { headers: { authorization: 'Bearer x' } })).status).toBe(400);
  });
});

describe('manifests', () => {
  test('come back as they were put, by tag and by digest', async () => {
    const { url, state } = await fixture.start();
    const digest = await putImage(url, 'team/tool', 'v1', 'layer');
    expect(digest).toBe(sha256(manifestText('layer')));
    for (const reference of ['v1', digest]) {
      const answer = await fetch(`${url}/v2/team/tool/manifests/${reference}`, { headers: { accept: OCI_MANIFEST } });
      expect(answer.headers.get('content-type')).toBe(OCI_MANIFEST);
      expect(answer.headers.get('docker-content-digest')).toBe(digest);
      expect(await answer.text()).toBe(manifestText('layer'));
    }
    const head = await fetch(`${url}/v2/team/tool/manifests/v1`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(manifestText('layer').length));
    const other = await fetch(`${url}/v2/team/tool/manifests/v1`, { headers: { accept: OCI_INDEX } });
    expect([other.status, await errorCode(other)]).toEqual([404, 'MANIFEST_UNKNOWN']);
    expect(await state.repositories()).toEqual(['team/tool']);
    expect((await state.manifest('team/tool', 'v1'))?.digest).toBe(digest);
  });

  test('are refused when what they name is absent or has another size', async () => {
    const { url } = await fixture.start();
    const absent = await putManifest(url, 'a', 'v1', manifestText('layer'));
    expect([absent.status, await errorCode(absent)]).toEqual([400, 'MANIFEST_BLOB_UNKNOWN']);
    const digest = await putImage(url, 'a', 'v1', 'layer');
    const size = manifestText('layer').length;
    const index = (length: number): string =>
      JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: OCI_MANIFEST, digest, size: length }] });
    const other = await putManifest(url, 'b', 'v1', index(size), OCI_INDEX);
    expect(await errorCode(other)).toBe('MANIFEST_BLOB_UNKNOWN');
    expect(await errorCode(await putManifest(url, 'a', 'all', index(size + 1), OCI_INDEX))).toBe('MANIFEST_INVALID');
    expect((await putManifest(url, 'a', 'all', index(size), OCI_INDEX)).status).toBe(201);
  });

  test('are refused when they are none, are too large, or have another digest', async () => {
    const { url, state } = await fixture.start();
    expect(await errorCode(await putManifest(url, 'a', 'v1', 'text'))).toBe('MANIFEST_INVALID');
    expect(await errorCode(await putManifest(url, 'a', 'v1', manifestText('x'), 'text/plain'))).toBe(
      'MANIFEST_INVALID',
    );
    expect(await errorCode(await putManifest(url, 'a', 'v1', manifestText('x'), OCI_INDEX))).toBe('MANIFEST_INVALID');
    expect(await errorCode(await putManifest(url, 'a', sha256('x'), manifestText('x')))).toBe('DIGEST_INVALID');
    const large = await putManifest(url, 'a', 'v1', manifestText('x', { pad: 'x'.repeat(4 * 1024 * 1024) }));
    expect([large.status, await errorCode(large)]).toEqual([413, 'SIZE_INVALID']);
    expect(await state.repositories()).toEqual([]);
  });

  test('lose their tags when they are deleted; a deleted tag leaves the manifest', async () => {
    const { url, state } = await fixture.start();
    const digest = await putImage(url, 'a', 'v1', 'layer');
    await putImage(url, 'a', 'v2', 'layer');
    const remove = (reference: string): Promise<Response> =>
      fetch(`${url}/v2/a/manifests/${reference}`, { method: 'DELETE' });
    expect((await remove('v1')).status).toBe(202);
    expect(await errorCode(await remove('v1'))).toBe('MANIFEST_UNKNOWN');
    expect((await fetch(`${url}/v2/a/manifests/${digest}`)).status).toBe(200);
    expect((await remove(digest)).status).toBe(202);
    expect((await fetch(`${url}/v2/a/manifests/v2`)).status).toBe(404);
    expect(await state.tags('a')).toEqual([]);
  });

  test('put at the same time are all kept', async () => {
    const { url, state } = await fixture.start();
    await putImage(url, 'a', 'v0', 'layer');
    const names = Array.from({ length: 20 }, (_, index) => `t${index}`);
    const answers = await Promise.all(
      names.map((name) => putManifest(url, 'a', name, manifestText('layer', { annotations: { name } }))),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(await state.tags('a')).toEqual([...names, 'v0'].sort());
  });
});

test('a restart on the same directory goes on where the last one stopped', async () => {
  const directory = await fixture.directory();
  const first = await fixture.start({ directory });
  const digest = await putImage(first.url, 'a', 'v1', 'layer');
  const opened = await fetch(`${first.url}/v2/a/blobs/uploads/`, { method: 'POST' });
  const headers = { 'content-type': 'application/octet-stream' };
  const half = { method: 'PATCH', body: 'half and ', headers };
  const patched = await fetch(opened.headers.get('location') ?? '', half);
  await first.close();

  const second = await fixture.start({ directory, port: first.port });
  expect((await second.state.manifest('a', 'v1'))?.digest).toBe(digest);
  const finish = `${patched.headers.get('location')}&digest=${sha256('half and half')}`;
  expect((await fetch(finish, { method: 'PUT', body: 'half' })).status).toBe(201);
  expect(await (await fetch(`${second.url}/v2/a/blobs/${sha256('half and half')}`)).text()).toBe('half and half');
});
