import { afterEach, expect, test } from 'vitest';
import {
  errorCode,
  manifestText,
  OCI_MANIFEST,
  putImage,
  putManifest,
  RegistryFixture,
  sha256,
} from './registry-fixture.ts';

const fixture = new RegistryFixture();
afterEach(() => fixture.cleanUp());

test('tags come in pages that link to the next one', async () => {
  const { url } = await fixture.start();
  for (const tag of ['b', 'a', 'd', 'c', 'C']) await putImage(url, 'x/y', tag, 'layer');
  const pages: unknown[] = [];
  let next: string | undefined = '/v2/x/y/tags/list?n=2';
  while (next !== undefined) {
    const page: Response = await fetch(new URL(next, url));
    pages.push(await page.json());
    next = /^<(.*)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1];
  }
  expect(pages).toEqual([
    { name: 'x/y', tags: ['C', 'a'] },
    { name: 'x/y', tags: ['b', 'c'] },
    { name: 'x/y', tags: ['d'] },
  ]);
  const none = await fetch(`${url}/v2/x/y/tags/list?n=0`);
  expect([await none.json(), none.headers.get('link')]).toEqual([{ name: 'x/y', tags: [] }, null]);
});

test('tags of an unknown repository and a page size that is no number are refused', async () => {
  const { url } = await fixture.start();
  const unknown = await fetch(`${url}/v2/x/tags/list`);
  expect([unknown.status, await errorCode(unknown)]).toEqual([404, 'NAME_UNKNOWN']);
  await putImage(url, 'x', 'v1', 'layer');
  expect((await fetch(`${url}/v2/x/tags/list?n=many`)).status).toBe(400);
});

test('referrers are listed with type and annotations, filtered on demand, and forgotten when deleted', async () => {
  const { url } = await fixture.start();
  const digest = await putImage(url, 'a', 'v1', 'layer');
  const subject = { mediaType: OCI_MANIFEST, digest, size: manifestText('layer').length };
  const signature = manifestText('layer', {
    subject,
    artifactType: 'application/x-signature',
    annotations: { by: 'me' },
  });
  const put = await putManifest(url, 'a', sha256(signature), signature);
  expect(put.headers.get('oci-subject')).toBe(digest);
  await putManifest(url, 'a', 'sbom', manifestText('layer', { subject }));

  const list = async (query: string): Promise<unknown> =>
    (await fetch(`${url}/v2/a/referrers/${digest}${query}`)).json();
  const entry = {
    mediaType: OCI_MANIFEST,
    digest: sha256(signature),
    size: signature.length,
    artifactType: 'application/x-signature',
    annotations: { by: 'me' },
  };
  expect(await list('')).toHaveProperty('manifests.length', 2);
  expect(await list('?artifactType=application/x-signature')).toHaveProperty('manifests', [entry]);
  expect(await list('?artifactType=application/vnd.oci.empty.v1%2Bjson')).toHaveProperty('manifests.length', 1);
  await fetch(`${url}/v2/a/manifests/${sha256(signature)}`, { method: 'DELETE' });
  expect(await list('')).toHaveProperty('manifests.length', 1);
  expect((await fetch(`${url}/v2/a/referrers/v1`)).status).toBe(400);
  const nothing = await fetch(`${url}/v2/b/referrers/${digest}`);
  expect([nothing.status, await nothing.json()]).toEqual([200, expect.objectContaining({ manifests: [] })]);
});

test('an older registry has no referrers', async () => {
  const { url } = await fixture.start({ referrers: false });
  const digest = await putImage(url, 'a', 'v1', 'layer');
  expect((await fetch(`${url}/v2/a/referrers/${digest}`)).status).toBe(404);
});
