import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { untar } from '../archive/untar.ts';
import { gitBlobId } from '../github/git-object.ts';
import type { FileSource } from './file-source.ts';
import { treeOf } from './foreign-packages.ts';
import { blobFile, writeLayer } from './layer-blob.ts';
import { layerEntries, packageEntries } from './layer-entries.ts';
import { planLayers } from './layer-plan.ts';
import { listPackageUnits, type PackageSource } from './package-files.ts';
import { type PackageUnit, planPackages } from './package-plan.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'layer-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Files as a branch holds them: path below `packages` to content, or content and mode. */
type Files = Readonly<Record<string, string | readonly [content: string, mode: '100644' | '100755']>>;

class Contents implements FileSource {
  readonly reads: string[] = [];
  readonly #bytes = new Map<string, Buffer>();

  add(content: string): string {
    const bytes = Buffer.from(content);
    const id = gitBlobId(bytes);
    this.#bytes.set(id, bytes);
    return id;
  }

  async read(id: string, path: string): Promise<Buffer> {
    this.reads.push(path);
    return this.#bytes.get(id) ?? Promise.reject(new Error(`no ${id}`));
  }
}

function packagesOf(files: Files, contents: Contents = new Contents()) {
  const listed = Object.entries(files).map(([path, file]) => {
    const [content, mode] = typeof file === 'string' ? [file, '100644' as const] : file;
    return { path: `packages/${path}`, mode, id: contents.add(content) };
  });
  const tree = treeOf(listed);
  const source: PackageSource = {
    blobs: contents,
    load: async () => undefined,
    listPackages: async (units) =>
      tree.files.filter(({ path }) => units.some((unit) => `${path}/`.startsWith(`packages/${unit.path}/`))),
  };
  return { units: listPackageUnits(tree), source };
}

/** Plans the layers of packages of which there is no image yet. */
function planAnew(distribution: string, units: readonly PackageUnit[], layers: number) {
  return planLayers(distribution, planPackages(undefined, units, layers));
}

function planOne(contents: Contents) {
  const { units, source } = packagesOf(SAMPLE, contents);
  const [planned] = planAnew('production', units, 1);
  if (planned === undefined) throw new Error('no layer');
  return { planned, source };
}

const SAMPLE: Files = {
  'log/1.0.0/manifest.yml': 'name: log\nversion: 1.0.0\n',
  'log/1.0.0/LICENSE': 'licence\n',
  'log/1.1.0/manifest.yml': 'name: log\nversion: 1.1.0\n',
  'log/1.1.0/LICENSE': 'licence\n',
  'log/1.1.0/run.sh': ['licence\n', '100755'],
  'log/1.1.0/again.sh': ['licence\n', '100755'],
  [`log/1.1.0/${'long'.repeat(50)}`]: 'licence\n',
  'tcp/1.0.0/ünïcode': 'licence\n',
};

describe('a layer', () => {
  it('has the same bytes on every machine', async () => {
    const contents = new Contents();
    const { planned, source } = planOne(contents);
    expect(planned.key).toBe('1773cfbcca910838a49083f5cf41b1345fb3a65c2a2687b98ecd129f9c24ce47');
    const layer = await writeLayer(packageEntries(planned, source), directory);
    expect(layer).toEqual({
      descriptor: {
        mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
        digest: 'sha256:c86ece20e7fa8841fb7e5156e187911b07ba09e73d9d0879a217b4fd53bc3f0f',
        size: 454,
      },
      diffId: 'sha256:cc4ed984415fe4c0832f36822b53c0d93576204ae6f047e84dd9bc0cec78f3ea',
      plain: 98,
      compressor: `zlib-${process.versions.zlib}`,
    });
    const bytes = readFileSync(blobFile(directory, layer.descriptor.digest));
    expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(layer.descriptor.digest);
    expect(`sha256:${createHash('sha256').update(gunzipSync(bytes)).digest('hex')}`).toBe(layer.diffId);
    expect(bytes.length).toBe(layer.descriptor.size);
  });

  it('holds equal files as links, which the real tar unpacks', async () => {
    const contents = new Contents();
    const { planned, source } = planOne(contents);
    const { descriptor } = await writeLayer(packageEntries(planned, source), directory);
    execFileSync('tar', ['xzf', blobFile(directory, descriptor.digest)], { cwd: directory, stdio: 'pipe' });
    for (const [path, file] of Object.entries(SAMPLE)) {
      const [content, mode] = typeof file === 'string' ? [file, '100644'] : file;
      const unpacked = join(directory, 'packages/production', path);
      expect(readFileSync(unpacked, 'utf8')).toBe(content);
      expect(statSync(unpacked).mode & 0o777).toBe(mode === '100755' ? 0o755 : 0o644);
      expect(statSync(unpacked).mtimeMs).toBe(0);
    }
    const inode = (path: string) => statSync(join(directory, 'packages/production', path)).ino;
    expect(inode('log/1.1.0/LICENSE')).toBe(inode('log/1.0.0/LICENSE'));
    expect(inode('tcp/1.0.0/ünïcode')).toBe(inode('log/1.0.0/LICENSE'));
    expect(inode('log/1.1.0/again.sh')).toBe(inode('log/1.1.0/run.sh'));
    expect(inode('log/1.1.0/run.sh')).not.toBe(inode('log/1.0.0/LICENSE'));
    expect(contents.reads).toHaveLength(4);
  });

  it('begins another first file after 30,000 names', async () => {
    const contents = new Contents();
    const id = contents.add('x');
    const files = Array.from({ length: 60_001 }, (_, index) => ({
      path: `packages/p/${String(index).padStart(6, '0')}`,
      mode: '100644' as const,
      id,
    }));
    const entries = await Array.fromAsync(layerEntries(files, [], contents));
    const first = entries.flatMap((entry) => ('content' in entry ? [entry.name] : []));
    expect(first).toEqual(['packages/p/000000', 'packages/p/030000', 'packages/p/060000']);
    const names = new Map<string, number>();
    for (const entry of entries) {
      if ('linkTo' in entry) names.set(entry.linkTo, (names.get(entry.linkTo) ?? 1) + 1);
    }
    expect([...names.values()]).toEqual([30_000, 30_000]);
  });

  it('is read back as it was written', async () => {
    const contents = new Contents();
    const { planned, source } = planOne(contents);
    const { descriptor } = await writeLayer(packageEntries(planned, source), directory);
    const bytes = gunzipSync(readFileSync(blobFile(directory, descriptor.digest)));
    const found = new Map<string, string>();
    const pieces = (async function* () {
      for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
    })();
    for await (const { path, kind, linkTo, content } of untar(pieces, 'test')) {
      if (kind === 'file') found.set(path, Buffer.concat(await Array.fromAsync(content)).toString('utf8'));
      if (kind === 'hardlink') found.set(path, found.get(linkTo) ?? 'forward link');
    }
    const expected = Object.entries(SAMPLE).map(([path, file]) => [
      `packages/production/${path}`,
      typeof file === 'string' ? file : file[0],
    ]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
  });
});

describe('the plan of the layers', () => {
  const names = Array.from({ length: 200 }, (_, index) => `package_${index}`);
  const files = Object.fromEntries(names.map((name) => [`${name}/1.0.0/manifest.yml`, name]));

  it('puts a name always into the same layer, and every name into one', () => {
    const before = planAnew('production', packagesOf(files).units, 8);
    expect(before).toHaveLength(6);
    expect(before.flatMap((layer) => layer.units.map(({ path }) => path)).sort()).toEqual(
      names.map((name) => `${name}/1.0.0`).sort(),
    );
    const { units } = packagesOf({ ...files, 'package_5/1.1.0/manifest.yml': 'new' });
    const after = planAnew('production', units, 8);
    const changed = after.filter(({ key }, index) => key !== before[index]?.key);
    expect(changed.map((layer) => layer.units.some(({ path }) => path === 'package_5/1.0.0'))).toEqual([true]);
  });

  it('knows a layer by path and tree: a mode, a name or a place makes another one', () => {
    const keyOf = (more: Files, distribution = 'production') =>
      planAnew(distribution, packagesOf({ 'a/1.0.0/x': '1', ...more }).units, 1)[0]?.key;
    const keys = [
      keyOf({}),
      keyOf({}, 'staging'),
      keyOf({ 'a/1.0.0/x': ['1', '100755'] }),
      keyOf({ 'a/1.0.0/y': '1' }),
      keyOf({ 'README.md': 'stray' }),
      keyOf({ 'README.md': ['stray', '100755'] }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('has one layer for no packages at all', () => {
    expect(planAnew('staging', [], 4)).toMatchObject([{ distribution: 'staging', units: [] }]);
  });
});

describe('a layer compressed with zstd', () => {
  it('has the same bytes however its pieces arrive, and is the same tar', async () => {
    const layerOf = async (size: number) => {
      const content = Buffer.from(Array.from({ length: 900_000 }, (_, index) => (index * index) % 251));
      const pieces = async function* () {
        for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
      };
      return [{ name: 'a', content: { size: content.length, open: pieces } }];
    };
    const [small, large, gzip] = [
      await writeLayer(await layerOf(4097), directory, 'zstd'),
      await writeLayer(await layerOf(900_000), directory, 'zstd'),
      await writeLayer(await layerOf(4097), directory, 'gzip'),
    ];
    expect(small).toEqual(large);
    expect(small.descriptor.mediaType).toBe('application/vnd.oci.image.layer.v1.tar+zstd');
    expect([small.compressor, gzip.compressor]).toEqual([
      `zstd-${process.versions['zstd']}`,
      `zlib-${process.versions.zlib}`,
    ]);
    expect(small.diffId).toBe(gzip.diffId);
    const bytes = zstdDecompressSync(readFileSync(blobFile(directory, small.descriptor.digest)));
    expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(small.diffId);
  });
});
