import { join } from 'node:path';
import type { SeedFile } from '@slipway/sandbox/github/seed';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  build,
  commit,
  directory,
  IMAGE,
  packageFiles,
  pushes,
  registry,
  served,
  setUp,
  tearDown,
  writeConfiguration,
} from './fixture.ts';

beforeEach(async () => {
  await setUp();
  await writeConfiguration('    production: { layers: 8 }');
});
afterEach(tearDown);

/** Commits a hundred versions of ten names, and builds them. */
async function buildMany(): Promise<void> {
  const files: Record<string, SeedFile> = {};
  for (let index = 0; index < 100; index += 1) {
    Object.assign(files, packageFiles(`name_${index % 10}`, `1.${Math.floor(index / 10)}.0`));
  }
  await commit('production', [], files);
  await build('production').result;
}

type Outputs = Awaited<ReturnType<typeof build>['result']>;

/** What became of the layers of packages. */
function layersOf({ plan }: Outputs): string[] {
  return plan.layers.flatMap(({ part, why, reused }) => (part === undefined || reused ? [] : [`${part}: ${why}`]));
}

/** Milliseconds: a dozen builds, one after the other. */
const LONG = 120_000;

describe('layers of what was added', { timeout: LONG }, () => {
  it('are small, and folded when they are full', async () => {
    await buildMany();
    const history: string[][] = [];
    for (let index = 0; index < 9; index += 1) {
      await commit('production', [], packageFiles('name_3', `2.${index}.0`));
      history.push(layersOf(await build('production').result));
    }
    expect(history).toEqual([
      ['recent 0: 1 added'],
      ['recent 0: 1 added'],
      ['recent 1: 1 added, 2 folded in'],
      ['recent 0: 1 added'],
      ['recent 0: 1 added'],
      ['recent 1: 1 added, 2 folded in'],
      ['recent 0: 1 added'],
      ['recent 0: 1 added'],
      [expect.stringMatching(/^base \d: 1 added, 8 folded in$/)],
    ]);
    expect(await served('production')).toHaveLength(109);
  });

  it('show nothing of what was removed or replaced', async () => {
    await buildMany();
    await commit('production', [], packageFiles('name_3', '2.0.0'));
    await build('production').result;
    await commit('production', [], { 'packages/name_3/2.0.0': null, 'packages/name_4/1.0.0': null });
    const removed = await build('production').result;
    expect(layersOf(removed)).toEqual([expect.stringMatching(/^base \d: 1 removed$/)]);
    expect(await served('production')).toHaveLength(99);

    await commit('production', [], packageFiles('name_5', '1.0.0', { LICENSE: 'another one\n' }));
    expect(layersOf(await build('production').result)).toEqual([expect.stringMatching(/^base \d: 1 replaced$/)]);
  });

  it('are forgotten when a plan from nothing is asked for, and are the same everywhere', async () => {
    await buildMany();
    await commit('production', [], packageFiles('name_3', '2.0.0'));
    const kept = build('production', { 'dry-run': 'true' });
    expect(layersOf(await kept.result)).toEqual(['recent 0: 1 added']);
    const before = pushes();
    const fresh = await build('production', { plan: 'fresh' }).result;
    // All of them are made: what an image says of its layers is not believed.
    const parts = fresh.plan.layers.filter(({ part }) => part !== undefined);
    expect(parts.length).toBeGreaterThan(1);
    expect(layersOf(fresh)).toHaveLength(parts.length);
    expect(new Set(layersOf(fresh).map((line) => line.replace(/\d/, 'n')))).toEqual(
      new Set(['base n: no plan of an earlier image']),
    );
    expect(pushes()).toBeGreaterThan(before);

    await commit('production', [], packageFiles('name_6', '2.0.0'));
    const here = await build('production', { 'dry-run': 'true' }).result;
    const there = await build('production', { 'dry-run': 'true' }, { RUNNER_TEMP: join(directory, 'elsewhere') })
      .result;
    expect(there.plan).toEqual(here.plan);
  });
});

it('compresses layers with zstd on request, those that are there too, and gzip again', { timeout: LONG }, async () => {
  await writeConfiguration('    production: { layers: 8, compression: zstd }');
  await buildMany();
  const types = async () => {
    const { content } = (await registry.state.manifest(IMAGE, 'production')) ?? { content: '' };
    return content.toString().match(/tar\+(?:gzip|zstd)(?=")/g);
  };
  expect(new Set(await types())).toEqual(new Set(['tar+gzip', 'tar+zstd']));
  await writeConfiguration('    production: { layers: 8 }');
  await commit('production', [], packageFiles('name_3', '2.0.0'));
  const changed = layersOf(await build('production').result);
  expect(changed.filter((line) => line.endsWith(': to be compressed with gzip')).length).toBeGreaterThan(1);
  expect(new Set(await types())).toEqual(new Set(['tar+gzip']));
});
