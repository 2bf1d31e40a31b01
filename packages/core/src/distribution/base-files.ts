import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { untar } from '../archive/untar.ts';
import { systemCodeOf } from '../errors.ts';
import type { Descriptor } from '../image/manifest.ts';
import type { Repository } from '../registry/repository.ts';
import { blobFile } from './layer-blob.ts';
import { readLayer } from './layer-reader.ts';
import type { PublishedDistribution } from './published-distribution.ts';

/** What stands under a path of the base image. */
export interface BaseFile {
  readonly kind: 'directory' | 'symlink' | 'file';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** What a symlink points to. */
  readonly linkTo: string;
}

/** The files of a base image, by their paths without a slash before them. */
export type BaseFiles = ReadonlyMap<string, BaseFile>;

type Entry = readonly [path: string, file: BaseFile];

/** A directory that a layer goes through without an entry of its own. */
const IMPLIED: BaseFile = { kind: 'directory', mode: 0o755, uid: 0, gid: 0, linkTo: '' };

/**
 * Lists the files of a base image, from its lowest layer to its highest, each layer's whiteouts honoured. What a layer
 * lists is kept in `cache` by its digest, for base images are large and change seldom.
 *
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md#representing-changes
 */
export async function readBaseFiles(
  { repository, platforms }: PublishedDistribution,
  cache: string,
): Promise<BaseFiles> {
  const [{ manifest }] = platforms;
  const files = new Map<string, BaseFile>();
  for (const layer of manifest.layers) applyLayer(files, await listLayer(repository, layer, cache));
  return files;
}

async function listLayer(repository: Repository, layer: Descriptor, cache: string): Promise<readonly Entry[]> {
  const file = `${blobFile(cache, layer.digest)}.json`;
  const known = await readListing(file);
  if (known !== undefined) return known;
  const entries: Entry[] = [];
  for await (const entry of untar(readLayer(repository, layer), `${repository}@${layer.digest}`)) {
    const { path, uid, gid, linkTo } = entry;
    const mode = entry.mode & 0o7777;
    const kind = entry.kind === 'directory' || entry.kind === 'symlink' ? entry.kind : 'file';
    entries.push([path, { kind, mode, uid, gid, linkTo }]);
  }
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${randomUUID()}`;
  await writeFile(temporary, JSON.stringify(entries));
  await rename(temporary, file);
  return entries;
}

/** Returns a listing that is kept; undefined when there is none, or a machine that crashed left a part of it. */
async function readListing(file: string): Promise<readonly Entry[] | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as readonly Entry[];
  } catch (error) {
    if (error instanceof SyntaxError || systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whiteouts hide what lower layers have, never what their own layer adds. */
function applyLayer(files: Map<string, BaseFile>, entries: readonly Entry[]): void {
  const hidden = new Set<string>();
  const emptied = new Set<string>();
  for (const [path, { kind }] of entries) {
    const [, parent = '', name = ''] = /^(?:(.*)\/)?(.*)$/s.exec(path) ?? [];
    if (name === '.wh..wh..opq') emptied.add(parent);
    else if (name.startsWith('.wh.')) hidden.add(parent === '' ? name.slice(4) : `${parent}/${name.slice(4)}`);
    // A file in the place of a directory leaves nothing of what was in it.
    else if (kind !== 'directory' && path !== '') emptied.add(path);
  }
  // Once over all files for all whiteouts: a layer may have as many of the ones as of the others.
  for (const path of files.keys()) {
    const isHidden = hidden.has(path) || emptied.has('');
    if (isHidden || parentsOf(path).some((parent) => hidden.has(parent) || emptied.has(parent))) files.delete(path);
  }
  for (const [path, file] of entries) {
    if (path === '' || /(?:^|\/)\.wh\./.test(path)) continue;
    for (const parent of parentsOf(path)) if (files.get(parent) === undefined) files.set(parent, IMPLIED);
    files.set(path, file);
  }
}

/** Returns the directories on the way to a path, the highest first. */
export function parentsOf(path: string): string[] {
  return [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index));
}
