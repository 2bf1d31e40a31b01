import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { gitBlobId } from '@slipway/core/github/git-object';
import { makeUnusualImages, pushUnusualImage } from '@slipway/sandbox/images/unusual-images';
import { startRegistry } from '@slipway/sandbox/registry/server';
import { expect, it, onTestFinished } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

it('warns of layers that an old docker does not load, by image and layer', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'bundle-zstd-'));
  const registry = await startRegistry({ directory: join(directory, 'registry') });
  onTestFinished(async () => {
    await registry.close();
    await rm(directory, { recursive: true, force: true });
  });
  const unusual = await makeUnusualImages();
  const warnings = async (name: string): Promise<string[]> => {
    const image = unusual.find((one) => one.name === name) ?? { blobs: [], manifests: [] };
    await pushUnusualImage(registry.url, `release/${name}`, image, 'v1');
    const target = `harbor.example.com/release/${name}:v1`;
    const yaml = `spec: { version: v1.0.0, service: { image: ${target} } }\n`;
    await writeFile(join(directory, 'web.yaml'), yaml);
    await writeFile(
      join(directory, 'slipway.yaml'),
      `registries: { harbor.example.com: { endpoint: "${registry.url}", plain-http: true } }\n`,
    );
    const plugin = {
      plugin: 'web',
      version: 'v1.0.0',
      file: join(directory, 'web.yaml'),
      commit: '',
      blob: gitBlobId(Buffer.from(yaml)),
      images: [{ source: target, target, name }],
    };
    const given = {
      plugin: JSON.stringify(plugin),
      output: join(directory, 'out'),
      config: join(directory, 'slipway.yaml'),
    };
    const runtime = recordRuntime({ DOCKER_CONFIG: directory, RUNNER_TEMP: join(directory, 'work') });
    await run(inputsFrom(inputs, given), runtime);
    return runtime.lines.filter((line) => line.startsWith('warning'));
  };
  expect(await warnings('zstd-layers')).toEqual([
    expect.stringMatching(
      /release\/zstd-layers:v1: compressed with zstd are the layers sha256:[0-9a-f]{64}\. Docker loads/,
    ),
  ]);
  expect(await warnings('empty-layers')).toEqual([]);
});
