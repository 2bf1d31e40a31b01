import { afterEach, expect, test } from 'vitest';
import { RegistryFixture } from '../registry/registry-fixture.ts';
import { pushImage } from './push-image.ts';
import { makeImage, type SampleImage } from './sample-image.ts';
import { makeIndex } from './sample-index.ts';

const fixture = new RegistryFixture();
afterEach(() => fixture.cleanUp());

const maker = { username: 'maker', password: 'secret' };

function sample(seed: string, directory?: string): Promise<SampleImage> {
  const layers = [{ size: 5000 }, { size: 2_000_000 }];
  const where = directory === undefined ? {} : { directory };
  return makeImage({ seed, layers, architecture: 'amd64', os: 'linux', mediaTypes: 'oci', ...where });
}

test.each(['none', 'basic', 'token'] as const)('an image on disk is pushed with %s auth', async (auth) => {
  const registry = await fixture.start({ auth, credentials: [maker] });
  const image = await sample('one', await fixture.directory());
  await pushImage(registry.url, 'team/tool', 'v1', image, maker);
  const stored = await registry.state.manifest('team/tool', 'v1');
  expect([stored?.digest, stored?.mediaType]).toEqual([image.manifest.digest, image.manifest.mediaType]);
  expect(await registry.state.blobs('team/tool')).toEqual(image.blobs.map(({ digest }) => digest).sort());
});

test('an index is pushed with its images; blobs that are there are not sent again', async () => {
  const registry = await fixture.start({ relativeLocations: true });
  const index = makeIndex([await sample('one'), await sample('two')], { attestations: true });
  await pushImage(registry.url, 'a', 'v1', index);
  for (const { manifest } of index.children) {
    expect(await registry.state.manifest('a', manifest.digest)).toBeDefined();
  }
  const before = registry.requests.length;
  await pushImage(registry.url, 'a', 'v2', index);
  expect(registry.requests.slice(before).filter(({ method }) => method === 'POST')).toEqual([]);
  expect(await registry.state.tags('a')).toEqual(['v1', 'v2']);
});

test('a token that expires between two requests is asked for again', async () => {
  let now = 0;
  const step = (): number => {
    now += 2_500;
    return now;
  };
  const registry = await fixture.start({ auth: 'token', credentials: [maker], tokenSeconds: 6, now: step });
  const image = await sample('one', await fixture.directory());
  await pushImage(registry.url, 'a', 'v1', image, maker);
  expect(await registry.state.tags('a')).toEqual(['v1']);
  const asked = registry.requests.filter(({ path }) => path.startsWith('/token'));
  expect(asked.length).toBeGreaterThan(1);
});

test('a refusal is told with its address', async () => {
  const registry = await fixture.start({ auth: 'basic', credentials: [maker] });
  const image = await sample('one');
  await expect(pushImage(registry.url, 'a', 'v1', image)).rejects.toThrow('wants credentials');
  await expect(pushImage(registry.url, 'a', 'v1', image, { ...maker, password: 'no' })).rejects.toThrow('answered 401');
  registry.failNext({ kind: 'status', status: 500, method: 'PUT' });
  await expect(pushImage(registry.url, 'a', 'v1', image, maker)).rejects.toThrow(/PUT .*blobs.* answered 500/);
});
