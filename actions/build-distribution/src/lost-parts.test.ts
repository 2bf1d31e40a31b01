import { makeFileLayer } from '@slipway/sandbox/images/file-layer';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { composeImage } from '@slipway/sandbox/images/sample-image';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  build,
  commit,
  IMAGE,
  lose,
  manifestOf,
  packageFiles,
  registry,
  served,
  setUp,
  tearDown,
  writeConfiguration,
} from './fixture.ts';

beforeEach(setUp);
afterEach(tearDown);

async function loseConfiguration(tag: string): Promise<void> {
  await lose((await manifestOf(tag)).config.digest);
}

describe('an image whose configuration the registry has lost', () => {
  it('is made again', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    const first = await build('production').result;
    await loseConfiguration('production');
    const again = await build('production').result;
    expect(again).toMatchObject({ result: 'built', digest: first.digest, image: first.image });
    expect(again.findings.map(({ rule, severity }) => [rule, severity])).toEqual([['image-unreadable', 'warning']]);
    expect(await served('production')).toEqual(['log-1.0.0']);
    expect(await build('production').result).toMatchObject({ result: 'unchanged', findings: [] });
  });

  it('is followed by that of the next commit', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    await build('production').result;
    await loseConfiguration('production');
    await commit('production', [], packageFiles('log', '1.1.0'));
    expect(await build('production').result).toMatchObject({ result: 'built', packages: 2 });
  });

  it('holds up no neighbour, and is stale', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    await build('production').result;
    await commit('staging', ['production'], packageFiles('tcp', '1.0.0'));
    await build('staging').result;
    await loseConfiguration('staging');
    expect((await build('production').result).stale).toEqual(['staging']);
    expect((await build('staging').result).result).toBe('built');
    expect((await build('production').result).stale).toEqual([]);
  });

  it('is not what a registry says that fails or refuses', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    await build('production').result;
    const { digest } = (await manifestOf('production')).config;
    registry.failNext({ kind: 'status', status: 403, path: new RegExp(`blobs/${digest}`), times: 10 });
    await expect(build('production').result).rejects.toThrow(/403/);
  });
});

it('takes what is no image of a registry for nothing that holds it up', async () => {
  const nothing = composeImage([makeFileLayer({ a: 'b' })], { architecture: '', os: 'windows', mediaTypes: 'oci' });
  await pushImage(registry.url, IMAGE, 'production', nothing);
  await commit('production', [], packageFiles('log', '1.0.0'));
  const { result, findings } = await build('production').result;
  expect([result, findings.map(({ rule }) => rule)]).toEqual(['built', ['image-unreadable']]);
});

it('leaves the tag of a commit alone when a repair gives another image', async () => {
  const names = Array.from({ length: 12 }, (_, index) => `package_${index}`);
  const files = Object.assign({}, ...names.map((name) => packageFiles(name, '1.0.0'))) as Record<string, string>;
  await writeConfiguration('    production: { layers: 2 }');
  const head = await commit('production', [], files);
  const first = await build('production').result;
  const layer = first.plan.layers.find(({ label }) => label.startsWith('production:'));
  await lose(layer?.digest ?? '');
  await writeConfiguration('    production: { layers: 5 }');
  const repaired = await build('production').result;
  expect(repaired.digest).not.toBe(first.digest);
  expect(repaired).toMatchObject({ result: 'built', packages: 12 });
  expect(repaired.image).toMatch(new RegExp(`:${head}-[0-9a-f]{12}$`));
  expect(await registry.state.manifest(IMAGE, head)).toMatchObject({ digest: first.digest });
  expect(await registry.state.manifest(IMAGE, 'production')).toMatchObject({ digest: repaired.digest });
  expect(await build('production').result).toMatchObject({ result: 'unchanged', digest: repaired.digest });
});
