import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type ReadEntry, untar } from '../archive/untar.ts';
import { ActionError, ConfigurationError } from '../errors.ts';
import type { TreeEntry } from '../github/git-data.ts';
import { gitTreeId } from '../github/git-object.ts';
import type { Repository } from '../registry/repository.ts';
import type { FileSource } from './file-source.ts';
import { comparePaths, type GitFile, type GitTree } from './git-tree.ts';
import { readLayer } from './layer-reader.ts';
import { PACKAGES, type PackageSource } from './package-files.ts';
import type { PlatformImage, PublishedDistribution } from './published-distribution.ts';

/** What stands in the place of a file: its content, or that it is something we cannot pack. */
type Place = GitFile | { readonly path: string; readonly mode: 'other' };

/** What the layers so far make of the directory. */
interface State {
  readonly places: ReadonlyMap<string, Place>;
  /** Whether the directory itself is there. */
  readonly hasRoot: boolean;
}

/** The packages of a distribution, read out of an image that was not built by us. */
export interface ForeignPackages extends PackageSource {
  /** As a branch would hold them, below `packages`; the ids are those git would give. */
  readonly tree: GitTree;
}

/** An image wherever it is; `repository` is named in errors. */
export interface LayeredImage extends Pick<PublishedDistribution, 'digest'> {
  readonly repository: Pick<Repository, 'blob' | 'toString'>;
  readonly platforms: readonly [
    { readonly manifest: Pick<PlatformImage['manifest'], 'layers'> },
    ...(readonly unknown[]),
  ];
}

/**
 * Reads `/packages/<distribution>` out of an image's layers, from the lowest to the highest, each layer's whiteouts
 * honoured; undefined when there is no such directory. Contents are kept in `directory`, equal ones once.
 *
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md#representing-changes
 */
export async function readForeignPackages(
  image: LayeredImage,
  distribution: string,
  directory: string,
): Promise<ForeignPackages | undefined> {
  const root = `packages/${distribution}`;
  const spool = new Spool(directory);
  await mkdir(directory, { recursive: true });
  let state: State = { places: new Map(), hasRoot: false };
  for (const layer of image.platforms[0].manifest.layers) {
    state = await applyLayer(
      state,
      readLayer(image.repository, layer),
      root,
      spool,
      `${image.repository}@${layer.digest}`,
    );
  }
  if (!state.hasRoot) return undefined;
  const files = [...state.places.values()].map((place): GitFile => {
    if (place.mode !== 'other') return { ...place, path: `${PACKAGES}/${place.path.slice(root.length + 1)}` };
    throw new ConfigurationError(
      'unsupported-file',
      `${image.repository}@${image.digest}: /${place.path} is neither a file nor a directory. Build that image without it.`,
    );
  });
  const byUnit = Map.groupBy(files, ({ path }) => path.split('/').slice(1, 3).join('/'));
  return {
    tree: treeOf(files),
    blobs: spool,
    load: async () => undefined,
    listPackages: async (units) => units.flatMap(({ path }) => byUnit.get(path) ?? []),
  };
}

/** Returns what is there after a layer. Whiteouts hide what lower layers have, never what their own layer adds. */
async function applyLayer(
  { places: lower, hasRoot: wasThere }: State,
  layer: AsyncIterable<Buffer>,
  root: string,
  spool: Spool,
  where: string,
): Promise<State> {
  let hasRoot = wasThere;
  const kept = new Map(lower);
  const added = new Map<string, Place>();
  const lowerDirectories = new Set([...lower.keys()].flatMap(directoriesOf));
  const hide = (path: string): void => {
    kept.delete(path);
    if (!lowerDirectories.has(path)) return;
    for (const other of kept.keys()) if (isBelow(other, path)) kept.delete(other);
  };
  for await (const entry of untar(layer, where)) {
    const slash = entry.path.lastIndexOf('/');
    const [parent, name] = [entry.path.slice(0, Math.max(slash, 0)), entry.path.slice(slash + 1)];
    if (name === '.wh..wh..opq') {
      if (isAround(parent, root)) for (const other of kept.keys()) if (isBelow(other, parent)) kept.delete(other);
    } else if (name.startsWith('.wh.')) {
      const hidden = parent === '' ? name.slice(4) : `${parent}/${name.slice(4)}`;
      if (isBelow(hidden, root)) hide(hidden);
      if (isBelow(root, hidden) || root === hidden) {
        kept.clear();
        hasRoot = added.size > 0;
      }
    } else if (entry.path === root && entry.kind === 'directory') {
      hasRoot = true;
    } else if (isBelow(entry.path, root)) {
      hasRoot = true;
      if (entry.kind === 'directory') {
        kept.delete(entry.path);
      } else {
        hide(entry.path);
        added.set(entry.path, await readPlace(entry, added, kept, spool, where));
      }
    } else if (entry.kind !== 'directory' && (isBelow(root, entry.path) || entry.path === root)) {
      // A file or a link where the directory was.
      kept.clear();
      hasRoot = false;
    }
  }
  return { places: new Map([...kept, ...added]), hasRoot };
}

function directoriesOf(path: string): string[] {
  return [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index));
}

/** Says whether a path is below the root, is the root, or is above it. */
function isAround(path: string, root: string): boolean {
  return path === root || isBelow(path, root) || isBelow(root, path);
}

function isBelow(path: string, directory: string): boolean {
  return directory === '' || path.startsWith(`${directory}/`);
}

async function readPlace(
  entry: ReadEntry,
  added: ReadonlyMap<string, Place>,
  kept: ReadonlyMap<string, Place>,
  spool: Spool,
  where: string,
): Promise<Place> {
  const { path } = entry;
  if (entry.kind === 'hardlink') {
    const target = added.get(entry.linkTo) ?? kept.get(entry.linkTo);
    if (target !== undefined) return { ...target, path };
    throw new ActionError('invalid-tar', `${where}: /${path} is a link to /${entry.linkTo}, which is not there.`);
  }
  if (entry.kind !== 'file') return { path, mode: 'other' };
  const id = await spool.add(entry);
  return { path, mode: (entry.mode & 0o111) === 0 ? '100644' : '100755', id };
}

/** Files on disk under the ids git would give them. */
class Spool implements FileSource {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async add({ size, content }: ReadEntry): Promise<string> {
    const temporary = join(this.#directory, `new-${process.pid}`);
    const file = await open(temporary, 'w');
    const hash = createHash('sha1').update(`blob ${size}\0`);
    try {
      for await (const chunk of content) {
        hash.update(chunk);
        await file.write(chunk);
      }
    } finally {
      await file.close();
    }
    const id = hash.digest('hex');
    await rename(temporary, join(this.#directory, id));
    return id;
  }

  read(id: string): Promise<Buffer> {
    return readFile(join(this.#directory, id));
  }
}

/** Returns files as a commit would hold them: sorted, with the ids of their directories. */
export function treeOf(files: readonly GitFile[]): GitTree {
  const sorted = files.toSorted((a, b) => comparePaths(a.path, b.path));
  const entries = new Map<string, TreeEntry[]>([['', []]]);
  for (const { path, mode, id } of sorted) {
    const parts = path.split('/');
    for (let depth = 1; depth < parts.length; depth += 1) {
      const directory = parts.slice(0, depth).join('/');
      if (!entries.has(directory)) entries.set(directory, []);
    }
    entries.get(parts.slice(0, -1).join('/'))?.push({ path: parts.at(-1) ?? '', mode, id });
  }
  const directories = new Map<string, string>();
  const deepest = [...entries].sort(([a], [b]) => b.split('/').length - a.split('/').length);
  for (const [path, children] of deepest) {
    if (path === '') continue;
    const id = gitTreeId(children);
    directories.set(path, id);
    const slash = path.lastIndexOf('/');
    const parent = entries.get(path.slice(0, Math.max(slash, 0)));
    parent?.push({ path: path.slice(slash + 1), mode: '040000', id });
  }
  return { files: sorted, directories };
}
