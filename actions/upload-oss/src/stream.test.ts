import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfiguration } from '@slipway/core/action/configuration';
import { withPluginPackage } from '@slipway/core/action/plugin-package';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { parsePlugin } from '@slipway/core/plugin/plugin';
import { readAll } from '@slipway/core/util/content';
import type { SampleImage } from '@slipway/sandbox/images/sample-image';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StreamPlace } from './fixture.ts';
import { inputs as definitions } from './inputs.ts';

const MEBIBYTE = 1024 * 1024;
const LAYERS = [11 * MEBIBYTE, 8 * MEBIBYTE, 5000];
let place: StreamPlace;

beforeEach(async () => {
  place = await StreamPlace.open();
});

afterEach(() => place.close());

/** The package as bundle-package writes it. */
async function bundle(): Promise<Buffer> {
  const { inputs: given, env } = place.settings();
  const runtime = recordRuntime(env);
  const inputs = inputsFrom(definitions, { ...given, plugin: place.plugin() });
  const configuration = await loadConfiguration(inputs.config, runtime.event, inputs.token);
  const plugin = parsePlugin(JSON.parse(place.plugin()), 'test');
  return withPluginPackage(plugin, inputs, configuration, runtime, ({ content }) =>
    readAll(content.open(), content.size),
  );
}

const results = (outputs: { plan: readonly { result: string }[] }): string[] =>
  outputs.plan.map(({ result }) => result);

describe('a package that is streamed', () => {
  it('has the bytes of one that is bundled, is read once and leaves no file', async () => {
    await place.release('web', 'web', LAYERS);
    await place.release('agent', 'agent', [3 * MEBIBYTE]);
    const expected = await bundle();
    const before = place.blobReads();
    const outputs = await place.stream();
    // Each blob once; the two configurations once more, for they say the platforms.
    expect(place.blobReads() - before).toBe(6 + 2);
    const { bytes, sha256 } = await place.stored();
    expect(bytes.equals(expected)).toBe(true);
    expect(outputs).toMatchObject({
      uri: StreamPlace.URI,
      changed: true,
      package: {
        plugin: 'web',
        version: 'v1.0.0',
        file: StreamPlace.NAME,
        uri: StreamPlace.URI,
        sha256,
        size: bytes.length,
        images: [{ name: 'web', platforms: ['linux/amd64'] }, { name: 'agent' }],
      },
    });
    const [object] = await place.oss.objects('infra');
    expect(outputs.crc64).toBe(object?.crc64);
    expect(results(outputs)).toEqual(['upload', 'upload']);
    expect(place.partsSent()).toBe(3);
    expect(await place.oss.uploads('infra')).toEqual([]);
    expect(await readdir(join(place.directory, 'work')).catch(() => [])).toEqual([]);
    expect(await readdir(place.directory)).not.toContain('packages');
  });

  it('goes in one request when it is small, as docker sees the wanted platform', async () => {
    await place.release('web', 'web', [9000]);
    const expected = await bundle();
    await place.stream({ platforms: 'linux/amd64', 'docker-platform': 'linux/amd64' });
    expect((await place.stored()).bytes.equals(expected)).toBe(true);
    expect(place.partsSent()).toBe(0);
  });

  it('that is there is known by its composition, and not read again', async () => {
    await place.release('web', 'web', LAYERS);
    const first = await place.stream();
    const before = [place.blobReads(), place.oss.requests.filter(({ method }) => method === 'PUT').length];
    const second = await place.stream();
    expect(results(second)).toEqual(['unchanged', 'unchanged']);
    expect(second).toMatchObject({ changed: false, crc64: first.crc64, package: first.package });
    // The configuration, for the platforms.
    expect(place.blobReads()).toBe((before[0] ?? 0) + 1);
    expect(place.oss.requests.filter(({ method }) => method === 'PUT')).toHaveLength(before[1] ?? 0);
  });

  it('that is there without its checksum is read and compared, and gets that', async () => {
    await place.release('web', 'web', LAYERS);
    place.oss.failNext({ kind: 'status', status: 403, method: 'PUT', path: /sha256$/ });
    await expect(place.stream()).rejects.toThrow(/cannot upload .*\.sha256: 403/);
    const parts = place.partsSent();
    expect(results(await place.stream())).toEqual(['unchanged', 'upload']);
    expect(place.partsSent()).toBe(parts);
    await place.stored();
  });

  it('is never replaced by another, unless a person asks for it', async () => {
    await place.release('web', 'one', LAYERS);
    await place.stream();
    const { sha256 } = await place.stored();
    await place.release('web', 'another', LAYERS);
    const error = place.stream();
    await expect(error).rejects.toMatchObject({ name: 'ConfigurationError', code: 'object-exists' });
    await expect(error).rejects.toThrow(new RegExp(`sha256 ${'.{64}'}, crc64 .*sha256 ${'.{64}'}, crc64 `));
    expect((await place.stored()).sha256).toBe(sha256);
    const expected = await bundle();
    const outputs = await place.stream({ overwrite: 'true', reason: 'the first one was wrong' });
    expect(results(outputs)).toEqual(['overwrite', 'overwrite']);
    expect((await place.stored()).bytes.equals(expected)).toBe(true);
    expect(results(await place.stream())).toEqual(['unchanged', 'unchanged']);
  });

  it('is not uploaded beside the checksum of another', async () => {
    await place.release('web', 'web', LAYERS);
    const file = join(place.directory, 'other');
    await writeFile(file, 'junk');
    await place.upload({ file, destination: `${StreamPlace.URI}.sha256` });
    await expect(place.stream()).rejects.toThrow(/the checksum beside the package\) exists with other content/);
    expect(place.partsSent()).toBe(0);
  });

  it('and one from a file are the same, whichever came first', async () => {
    await place.release('web', 'web', LAYERS);
    const file = join(place.directory, StreamPlace.NAME);
    await writeFile(file, await bundle());
    const given = { file, destination: StreamPlace.URI };
    expect(results(await place.upload(given))).toEqual(['upload', 'upload']);
    expect(results(await place.stream())).toEqual(['unchanged', 'unchanged']);
    expect((await place.oss.objects('infra'))[0]?.meta['sha256']).toBe((await place.stored()).sha256);
    await place.release('web', 'other', LAYERS);
    await place.stream({ overwrite: 'true', reason: 'a test' });
    await writeFile(file, await bundle());
    expect(results(await place.upload(given))).toEqual(['unchanged', 'unchanged']);
  });

  it('is only planned with dry-run', async () => {
    await place.release('web', 'web', LAYERS);
    const outputs = await place.stream({ 'dry-run': 'true' });
    expect(outputs).toMatchObject({ changed: false, uri: StreamPlace.URI, comment: '', package: '', crc64: '' });
    expect(outputs.plan).toMatchObject([{ result: 'upload', size: (await bundle()).length }]);
    expect(place.oss.requests.map(({ method }) => method)).toEqual(['HEAD', 'HEAD']);
  });

  it('cannot be a file as well', async () => {
    await place.release('web', 'web', [9000]);
    await expect(place.stream({ file: 'x' })).rejects.toMatchObject({ code: 'conflicting-inputs' });
    await expect(place.upload({})).rejects.toThrow(/None of the inputs 'package', 'file' and 'plugin'/);
  });

  it('unpacks', async () => {
    await place.release('web', 'web', LAYERS);
    await place.stream();
    const [object] = await place.oss.objects('infra');
    expect(execFileSync('tar', ['tzf', object?.body ?? '']).toString()).toBe(
      'acme-web-web-v1.0.0-image.tar.gz\nacme-web.yaml\n',
    );
  });
});

describe('a blob that was kept', () => {
  const kept = (): string => join(place.directory, 'kept');
  const pathOf = (digest: string): string => join(kept(), 'blobs', 'sha256', digest.slice('sha256:'.length));
  const reads = (digest: string): number =>
    place.registry.requests.filter(({ method, path }) => method === 'GET' && path.endsWith(digest)).length;

  /** Puts the layers of an image where sync-images would have kept them. */
  async function keepLayers({ blobs }: SampleImage): Promise<string[]> {
    await mkdir(join(kept(), 'blobs', 'sha256'), { recursive: true });
    for (const { digest } of blobs) {
      const answer = await fetch(`${place.registry.url}/v2/release/acme-web/blobs/${digest}`);
      await writeFile(pathOf(digest), await answer.bytes());
    }
    return blobs.slice(1).map(({ digest }) => digest);
  }

  it('is not read from the registry', async () => {
    const layers = await keepLayers(await place.release('web', 'web', LAYERS));
    const before = layers.map(reads);
    const expected = await bundle();
    await place.stream({ 'work-directory': kept() });
    expect((await place.stored()).bytes.equals(expected)).toBe(true);
    expect(layers.map(reads)).toEqual(before.map((count) => count + 1));
  });

  it('and was damaged since is read from the registry, and the package is right', async () => {
    const [large = '', other = '', small = ''] = await keepLayers(await place.release('web', 'web', LAYERS));
    for (const digest of [large, small]) {
      const bytes = await readFile(pathOf(digest));
      await writeFile(pathOf(digest), bytes.fill('x', bytes.length - 100));
    }
    const expected = await bundle();
    const before = [large, other, small].map(reads);
    const more = (): number[] => [large, other, small].map((digest, index) => reads(digest) - (before[index] ?? 0));
    await place.stream({ 'work-directory': kept() });
    expect((await place.stored()).bytes.equals(expected)).toBe(true);
    // The small one comes from the registry in both passes when it stands before the large one.
    expect([
      [1, 0, 1],
      [1, 0, 2],
    ]).toContainEqual(more());
    expect((await readdir(join(kept(), 'blobs', 'sha256'))).length).toBe(2);
    expect(place.lines.join('\n')).toMatch(/is damaged, and is removed/);
  });
});
