import type { TarAttributes, TarEntry, TarFileMode } from '../archive/tar.ts';
import { contentOf } from '../util/content.ts';
import type { FileSource } from './file-source.ts';
import { type GitFile, sortByPath } from './git-tree.ts';
import { type PlannedLayer, packagePath } from './layer-plan.ts';
import { checkPackageFile, PACKAGES, type PackageSource } from './package-files.ts';

/** A file of a layer: its place in the image, and what git knows of it. */
export interface LayerFile {
  /** Without a slash before it. */
  readonly path: string;
  readonly mode: '100644' | '100755';
  readonly id: string;
}

/** ext4 has 65,000 links of one file at the most; where there are more names, another first one is begun. */
const NAMES_PER_FILE = 30_000;

const MODES: Readonly<Record<LayerFile['mode'], TarFileMode>> = { '100644': 0o644, '100755': 0o755 };

/** Files that are read ahead of their turn: asking one by one, most of the time is spent waiting. */
const READ_AHEAD = 16;

/** An entry whose content, if it has one, was not read yet. */
type Place =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly linkTo: string; readonly mode: TarFileMode }
  | { readonly kind: 'file'; readonly path: string; readonly id: string; readonly mode: TarFileMode };

/**
 * Makes the entries of a layer's tar: directories and files sorted by path, equal files as hard links to the first. Each
 * content is read shortly before its turn, so that there are only a few in memory.
 *
 * Directories belong to root and have the mode 0755 where `attributes` says nothing else.
 *
 * Equal means the same content and the same mode, for whoever unpacks takes the mode of the last header. A link's target
 * stands before it in the same layer: engines find it nowhere else.
 */
export function layerEntries(
  files: readonly LayerFile[],
  directories: readonly string[],
  source: FileSource,
  attributes: (directory: string) => TarAttributes | undefined = () => undefined,
): AsyncGenerator<TarEntry, void> {
  return readEntries(new Places().add(files, directories), source, attributes);
}

/**
 * Makes the entries of a layer of packages, name by name, each name's sorted by path: all files of a layer together may be
 * a hundred thousand.
 */
export async function* packageEntries(planned: PlannedLayer, source: PackageSource): AsyncGenerator<TarEntry, void> {
  await source.load(planned.units);
  yield* readEntries(packagePlaces(planned, source), source.blobs);
}

async function* packagePlaces(
  { distribution, units }: PlannedLayer,
  source: PackageSource,
): AsyncGenerator<Place, void> {
  const places = new Places();
  yield* places.add([], [`packages/${distribution}`]);
  const names = [...Map.groupBy(units, ({ path }) => path.split('/')[0]).values()];
  const list = async (index: number): Promise<LayerFile[]> => {
    const files = await source.listPackages(names[index] ?? []);
    return files.map((file) => asLayerFile(distribution, file));
  };
  let listing = list(0);
  for (const index of names.keys()) {
    const files = await listing;
    // The next name is looked at while the files of this one are read.
    listing = list(index + 1);
    listing.catch(() => undefined);
    yield* places.add(files, []);
  }
}

function asLayerFile(distribution: string, file: GitFile): LayerFile {
  checkPackageFile(file);
  const path = packagePath(distribution, file.path.slice(PACKAGES.length + 1));
  return { path, mode: file.mode === '100755' ? '100755' : '100644', id: file.id };
}

/** What a layer holds so far. */
class Places {
  readonly #directories = new Set<string>();
  readonly #first = new Map<string, { readonly path: string; names: number }>();

  /** Returns what files and directories add, sorted by path. */
  add(files: readonly LayerFile[], directories: readonly string[]): Place[] {
    const added = new Map<string, LayerFile | undefined>();
    for (const directory of directories) this.#addDirectories(added, `${directory}/`);
    for (const file of files) {
      this.#addDirectories(added, file.path);
      added.set(file.path, file);
    }
    return sortByPath(added, ([path]) => path).map(([path, file]) =>
      file === undefined ? { kind: 'directory', path } : this.#placeOf(file),
    );
  }

  #placeOf({ path, id, mode: gitMode }: LayerFile): Place {
    const mode = MODES[gitMode];
    const identity = `${gitMode} ${id}`;
    const known = this.#first.get(identity);
    if (known !== undefined && known.names < NAMES_PER_FILE) {
      known.names += 1;
      return { kind: 'link', path, linkTo: known.path, mode };
    }
    this.#first.set(identity, { path, names: 1 });
    return { kind: 'file', path, id, mode };
  }

  #addDirectories(added: Map<string, LayerFile | undefined>, path: string): void {
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
      const directory = path.slice(0, slash);
      if (this.#directories.has(directory)) continue;
      this.#directories.add(directory);
      added.set(directory, undefined);
    }
  }
}

/** Reads the contents of files in their order, some of them before their turn. */
async function* readEntries(
  places: Iterable<Place> | AsyncIterable<Place>,
  source: FileSource,
  attributes: (directory: string) => TarAttributes | undefined = () => undefined,
): AsyncGenerator<TarEntry, void> {
  const queue: { readonly isRead: boolean; readonly make: () => TarEntry | Promise<TarEntry> }[] = [];
  let reading = 0;
  for await (const place of places) {
    const isRead = place.kind === 'file';
    if (isRead) reading += 1;
    queue.push({ isRead, make: beginEntry(place, source, attributes) });
    while (reading > READ_AHEAD) {
      const [next] = queue.splice(0, 1);
      if (next?.isRead) reading -= 1;
      if (next !== undefined) yield await next.make();
    }
  }
  for (const { make } of queue) yield await make();
}

/** Begins to read what an entry needs, and returns what waits for it. */
function beginEntry(
  place: Place,
  source: FileSource,
  attributes: (directory: string) => TarAttributes | undefined,
): () => TarEntry | Promise<TarEntry> {
  const { kind, path } = place;
  if (kind === 'directory') return () => ({ directory: path, attributes: attributes(path) });
  if (kind === 'link') return () => ({ name: path, linkTo: place.linkTo, mode: place.mode });
  const reading = source.read(place.id, path);
  // Told when its turn comes; until then nobody listens.
  reading.catch(() => undefined);
  return async () => ({ name: path, content: contentOf(await reading), mode: place.mode });
}
