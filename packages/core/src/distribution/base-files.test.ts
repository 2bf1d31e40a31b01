import { globSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFileLayer } from '@slipway/sandbox/images/file-layer';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { memoryBlob } from '@slipway/sandbox/images/sample-blob';
import { composeImage } from '@slipway/sandbox/images/sample-image';
import type { SampleLayer } from '@slipway/sandbox/images/sample-layer';
import { type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CredentialStore } from '../registry/credentials.ts';
import { Registries } from '../registry/registries.ts';
import { silentLog } from '../util/log.ts';
import { type BaseFiles, readBaseFiles } from './base-files.ts';
import { needImage } from './published-distribution.ts';

let directory: string;
let cache: string;
let registry: RegistryServer;
let registries: Registries;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'base-files-'));
  cache = join(directory, 'cache');
  registry = await startRegistry({ directory: join(directory, 'registry') });
  const settings = { 'images.example.com': { endpoint: registry.url, 'plain-http': true } };
  registries = new Registries(settings, new CredentialStore(), silentLog);
});

afterEach(async () => {
  await Promise.all([registries.close(), registry.close()]);
  rmSync(directory, { recursive: true, force: true });
});

async function push(...layers: SampleLayer[]): Promise<void> {
  const image = composeImage(layers, { architecture: 'amd64', os: 'linux', mediaTypes: 'oci' });
  await pushImage(registry.url, 'base', 'v1', image);
}

async function read(): Promise<BaseFiles> {
  const repository = registries.repository({ registry: 'images.example.com', repository: 'base' });
  return readBaseFiles(await needImage(repository, 'v1', 'test'), cache);
}

/** A layer with bytes behind the end of its gzip stream, which count for its digest. */
function makeLongLayer(extra: Buffer): SampleLayer {
  const { blob, diffId } = makeFileLayer({ 'etc/issue': 'x' });
  if (!Buffer.isBuffer(blob.content)) throw new Error('not in memory');
  return { blob: memoryBlob(Buffer.concat([blob.content, extra])), diffId };
}

/** Changes the last byte of a blob in the registry. */
function damage({ blob }: SampleLayer): void {
  const hex = blob.digest.slice('sha256:'.length);
  const found = globSync(`**/*${hex}*`, { cwd: join(directory, 'registry') });
  const file = found.map((path) => join(directory, 'registry', path)).find((path) => statSync(path).size === blob.size);
  if (file === undefined) throw new Error(`the registry has no ${blob.digest}`);
  const bytes = readFileSync(file);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 0xff;
  writeFileSync(file, bytes);
}

describe('the files of a base image', () => {
  it('are what the layers leave of those below them', async () => {
    await push(
      makeFileLayer({ 'a/old/x': '', 'a/kept': '', 'b/x': '', 'c/x/y': '', 'd/x': '', 'e-f': '', 'e/x': '', file: '' }),
      makeFileLayer({
        'a/.wh.old': '',
        'b/.wh..wh..opq': '',
        'b/new': '',
        c: { symlink: 'a' },
        'd/.wh.x': '',
        'd/x': '',
        '.wh.e': '',
        '.wh.file': '',
      }),
    );
    expect([...(await read())].map(([path, { kind }]) => `${path} ${kind}`).sort()).toEqual([
      'a directory',
      'a/kept file',
      'b directory',
      'b/new file',
      'c symlink',
      'd directory',
      'd/x file',
      'e-f file',
    ]);
  });

  it('are listed in a moment, however many whiteouts a layer has', async () => {
    const names = (count: number, part: string) => Array.from({ length: count }, (_, index) => `${part}${index}`);
    const entries = (paths: string[]) => Object.fromEntries(paths.map((path) => [path, '']));
    await push(
      makeFileLayer(entries(names(40_000, 'many/file-'))),
      makeFileLayer(entries(names(20_000, 'many/.wh.file-'))),
    );
    // A walk over all files for each whiteout takes far longer than a test may.
    expect((await read()).size).toBe(20_001);
  });

  it('are listed again when the listing that was kept is cut', async () => {
    await push(makeFileLayer({ 'etc/issue': 'x' }));
    const files = await read();
    const [listing = ''] = globSync('**/*.json', { cwd: cache });
    for (const size of [20, 0]) {
      truncateSync(join(cache, listing), size);
      expect(await read()).toEqual(files);
    }
    const before = registry.requests.filter(({ path }) => path.includes('/blobs/')).length;
    await read();
    // Of the configuration alone.
    expect(registry.requests.filter(({ path }) => path.includes('/blobs/'))).toHaveLength(before + 1);
  });

  it.each([
    ['short', 0],
    ['long', 40 * 1024 * 1024],
  ])('come from bytes that have the digest, to the last one: %s', async (_, extra) => {
    const layer = makeLongLayer(Buffer.alloc(extra));
    await push(layer);
    expect([...(await read()).keys()]).toEqual(['etc', 'etc/issue']);
    rmSync(cache, { recursive: true });
    damage(layer);
    await expect(read()).rejects.toThrow(/arrived with the digest/);
    expect(globSync('**/*.json', { cwd: cache })).toEqual([]);
  });
});
