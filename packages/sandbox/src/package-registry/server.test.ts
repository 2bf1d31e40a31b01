import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFileLayer } from '../images/file-layer.ts';
import { pushImage } from '../images/push-image.ts';
import { composeImage } from '../images/sample-image.ts';
import { RegistryFixture } from '../registry/registry-fixture.ts';
import type { RegistryServer } from '../registry/server.ts';
import { compareVersions, isPrerelease } from './package-index.ts';
import { type PackageRegistryServer, startPackageRegistry } from './server.ts';

const fixture = new RegistryFixture();
const reader = { username: 'reader', password: 'secret' };
let images: RegistryServer;
let server: PackageRegistryServer;

beforeEach(async () => {
  images = await fixture.start({ auth: 'token', credentials: [reader] });
  server = await startPackageRegistry({ registry: images.url, repository: 'distribution', credentials: reader });
});

afterEach(async () => {
  await server.close();
  await fixture.cleanUp();
});

const manifest = (name: string, version: string): string => `name: ${name}\nversion: ${version}\n`;

/** Pushes an image whose layers hold these files, and serves it. */
async function serve(...layers: Parameters<typeof makeFileLayer>[0][]): Promise<void> {
  const config = makeFileLayer({
    'package-registry/config.yml': 'package_paths:\n  - /packages/b\n  - /packages/a\n  - /packages/absent\n',
  });
  const options = { architecture: 'amd64', os: 'linux', mediaTypes: 'oci' } as const;
  await pushImage(
    images.url,
    'distribution',
    'v1',
    composeImage([config, ...layers.map(makeFileLayer)], options),
    reader,
  );
  await server.load('v1');
}

async function get(path: string): Promise<unknown> {
  const response = await fetch(`${server.url}${path}`);
  return response.status === 200 ? response.json() : response.status;
}

test('the first package found wins, in the order of package_paths', async () => {
  expect(await get('/health')).toBe(503);
  await serve({
    'packages/a/log/1.0.0/manifest.yml': manifest('log', '1.0.0'),
    'packages/a/log/1.0.0/from': 'a',
    'packages/b/log/1.0.0/manifest.yml': manifest('log', '1.0.0'),
    'packages/b/log/1.0.0/from': 'b',
    'packages/a/log/v1.1.0/manifest.yml': manifest('log', '1.1.0'),
    'packages/c/tcp/1.0.0/manifest.yml': manifest('tcp', '1.0.0'),
  });
  expect(server.packages()).toEqual(['log-1.0.0']);
  expect(server.ignored()).toEqual([
    '/packages/a/log/1.0.0: found before',
    '/packages/a/log/v1.1.0: unexpected directory',
  ]);
  expect(await (await fetch(`${server.url}/package/log/1.0.0/from`)).text()).toBe('b');
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
});

test('a search shows the newest release unless it is asked for more', async () => {
  const versions = ['0.9.0', '1.9.0', '1.10.0', '2.0.0-beta.2', '2.0.0-beta.10'];
  await serve(
    Object.fromEntries(versions.map((each) => [`packages/a/log/${each}/manifest.yml`, manifest('log', each)])),
  );
  const found = async (query: string) =>
    ((await get(`/search?${query}`)) as { version: string }[]).map(({ version }) => version);
  expect(await found('')).toEqual(['1.10.0']);
  expect(await found('all=true')).toEqual(['1.10.0', '1.9.0']);
  expect(await found('prerelease=true')).toEqual(['2.0.0-beta.10']);
  expect(await found('all=true&prerelease=true')).toEqual(versions.toReversed());
  expect(await found('package=tcp&all=true')).toEqual([]);
  expect(await get('/package/log/1.9.0/')).toMatchObject({
    version: '1.9.0',
    assets: ['/package/log/1.9.0/manifest.yml'],
  });
  expect(await get('/package/log/3.0.0/')).toBe(404);
});

test('layers lie upon each other, and hide what is below', async () => {
  const root = 'packages/a';
  await serve(
    {
      [`${root}/log/1.0.0/manifest.yml`]: manifest('log', '1.0.0'),
      [`${root}/tcp/1.0.0/manifest.yml`]: manifest('tcp', '1.0.0'),
    },
    { [`${root}/log/.wh.1.0.0`]: '', [`${root}/tcp/1.0.0/link`]: { linkTo: 'same' }, same: 'never reached' },
  ).catch((error: Error) => expect(error.message).toMatch(/which does not stand before it/));
  await serve(
    {
      [`${root}/log/1.0.0/manifest.yml`]: manifest('log', '1.0.0'),
      [`${root}/tcp/1.0.0/manifest.yml`]: manifest('tcp', '1.0.0'),
    },
    {
      [`${root}/log/.wh.1.0.0`]: '',
      [`${root}/tcp/1.0.0/a`]: 'x',
      [`${root}/tcp/1.0.0/b`]: { linkTo: `${root}/tcp/1.0.0/a` },
    },
  );
  expect(server.packages()).toEqual(['tcp-1.0.0']);
  expect(await (await fetch(`${server.url}/package/tcp/1.0.0/b`)).text()).toBe('x');
});

test('a broken package stops it', async () => {
  await expect(serve({ 'packages/a/log/1.0.0/manifest.yml': 'title: no name\n' })).rejects.toThrow(/has no name/);
  await expect(serve({ 'packages/a/log/1.0.0/notes.txt': 'x' })).rejects.toThrow(/log\/1\.0\.0 has no manifest\.yml/);
  await expect(serve({ 'packages/a/log/1.0.0/manifest.yml': manifest('tcp', '1.0.0') })).rejects.toThrow(
    /log\/1\.0\.0\/manifest\.yml is that of tcp 1\.0\.0/,
  );
});

test('versions are ordered as the specification says', () => {
  const ordered = [
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.2.0',
    '1.10.0',
  ];
  expect(ordered.toReversed().sort(compareVersions)).toEqual(ordered);
  expect(['0.1.0', '1.0.0-rc.1', '1.0.0'].map(isPrerelease)).toEqual([true, true, false]);
});
