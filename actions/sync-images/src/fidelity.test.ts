import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { findDifferences } from '@slipway/sandbox/images/read-back';
import { makeUnusualImages, pushUnusualImage } from '@slipway/sandbox/images/unusual-images';
import { type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

const UNUSUAL = await makeUnusualImages();

let directory: string;
let source: RegistryServer;
let target: RegistryServer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sync-fidelity-'));
  source = await startRegistry({ directory: join(directory, 'source') });
  target = await startRegistry({ directory: join(directory, 'target') });
  const lines = [
    'registries:',
    `  cargo.example.com: { endpoint: "${source.url}", plain-http: true }`,
    `  harbor.example.com: { endpoint: "${target.url}", plain-http: true }`,
  ];
  await writeFile(join(directory, 'slipway.yaml'), lines.join('\n'));
});

afterAll(async () => {
  await Promise.all([source.close(), target.close()]);
  await rm(directory, { recursive: true, force: true });
});

async function sync(texts: Record<string, string>) {
  const runtime = recordRuntime({ DOCKER_CONFIG: join(directory, 'none'), RUNNER_TEMP: join(directory, 'work') });
  const outputs = await run(inputsFrom(inputs, { config: join(directory, 'slipway.yaml'), ...texts }), runtime);
  return { runtime, outputs };
}

const line = (name: string): string => `cargo.example.com/team/${name}:v1 harbor.example.com/release/${name}:v1`;

describe('sync-images', () => {
  it.each(UNUSUAL.map((image) => [image.name, image] as const))('copies %s byte for byte', async (name, image) => {
    await pushUnusualImage(source.url, `team/${name}`, image, 'v1');
    const { runtime, outputs } = await sync({ images: line(name) });
    expect(runtime.failures).toEqual([]);
    expect(outputs.images).toMatchObject([{ result: 'copied', digest: image.manifests.at(-1)?.digest }]);
    expect(await findDifferences(target.url, `release/${name}`, image, 'v1')).toEqual([]);
    const again = await sync({ images: line(name) });
    expect(again.outputs.images).toMatchObject([{ result: 'skipped' }]);
  });

  it('says which layer was left out, and where it is', async () => {
    const image = UNUSUAL.find(({ name }) => name === 'foreign-layer');
    await pushUnusualImage(source.url, 'team/said', image ?? { blobs: [], manifests: [] }, 'v1');
    const { runtime } = await sync({ images: line('said') });
    expect(runtime.lines.join('\n')).toMatch(
      /the layer sha256:[0-9a-f]{64} may not be distributed; left out, engines fetch it from https:\/\/layers\.example\.com/,
    );
  });

  it('says why a strict registry takes no manifest whose layer was left out', async () => {
    const image = UNUSUAL.find(({ name }) => name === 'foreign-layer');
    await pushUnusualImage(source.url, 'team/strict', image ?? { blobs: [], manifests: [] }, 'v1');
    const body = JSON.stringify({ errors: [{ code: 'MANIFEST_INVALID', message: 'manifest invalid' }] });
    target.failNext({ kind: 'status', status: 400, method: 'PUT', path: /release\/strict\/manifests/, body });
    const { runtime, outputs } = await sync({ images: line('strict') });
    expect(outputs.failed).toBe(1);
    expect(runtime.failures[0]).toMatch(
      /MANIFEST_INVALID.*the layer sha256:.*was left out.*validation\.manifests\.urls\.allow/is,
    );
  });

  it('knows an image that is named by sha512 again', async () => {
    const image = UNUSUAL.find(({ name }) => name === 'unknown-fields');
    const bytes = image?.manifests[0]?.content ?? Buffer.alloc(0);
    const digest = `sha512:${createHash('sha512').update(bytes).digest('hex')}`;
    await pushUnusualImage(source.url, 'team/long', image ?? { blobs: [], manifests: [] }, digest);
    const images = `cargo.example.com/team/long@${digest} harbor.example.com/release/long:v1`;
    expect((await sync({ images })).outputs.images).toMatchObject([{ result: 'copied' }]);
    expect((await sync({ images })).outputs.images).toMatchObject([{ result: 'skipped' }]);
  });
});
