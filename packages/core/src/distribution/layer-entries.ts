import type { TarAttributes, TarEntry, TarFileMode } from '../archive/tar.ts';
import { contentOf } from '../util/content.ts';
import type { FileSource } from './file-source.ts';
import { sortByPath } from './git-tree.ts';
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
export async function* layerEntries(
  files: readonly LayerFile[],
  directories: readonly string[],
  source: FileSource,
  attributes: (directory: string) => TarAttributes | undefined = () => undefined,
): AsyncGenerator<TarEntry, void> {
  const places = placesOf(files, directories);
  const contents = readAhead(
    places.flatMap((place) => (place.kind === 'file' ? [place] : [])),
    ({ id, path }) => source.read(id, path),
  );
  for (const place of places) {
    const { kind, path } = place;
    if (kind === 'directory') yield { directory: path, attributes: attributes(path) };
    else if (kind === 'link') yield { name: path, linkTo: place.linkTo, mode: place.mode };
    else {
      const { value } = await contents.next();
      if (value === undefined) throw new RangeError(`${path} was not read`);
      yield { name: path, content: contentOf(value), mode: place.mode };
    }
  }
}

function placesOf(files: readonly LayerFile[], directories: readonly string[]): Place[] {
  const places = new Map<string, LayerFile | undefined>();
  for (const directory of directories) addDirectories(places, `${directory}/`);
  for (const file of files) {
    addDirectories(places, file.path);
    places.set(file.path, file);
  }
  const first = new Map<string, { readonly path: string; names: number }>();
  return sortByPath(places, ([path]) => path).map(([path, file]): Place => {
    if (file === undefined) return { kind: 'directory', path };
    const { id } = file;
    const mode = MODES[file.mode];
    const identity = `${file.mode} ${id}`;
    const known = first.get(identity);
    if (known !== undefined && known.names < NAMES_PER_FILE) {
      known.names += 1;
      return { kind: 'link', path, linkTo: known.path, mode };
    }
    first.set(identity, { path, names: 1 });
    return { kind: 'file', path, id, mode };
  });
}

/** Reads things in their order, some of them before they are asked for. */
async function* readAhead<T, R>(things: readonly T[], read: (thing: T) => Promise<R>): AsyncGenerator<R, void> {
  const reading: Promise<R>[] = [];
  for (let next = 0; next < things.length || reading.length > 0; ) {
    for (; reading.length < READ_AHEAD && next < things.length; next += 1) {
      const result = read(things[next] as T);
      // Told when its turn comes; until then nobody listens.
      result.catch(() => undefined);
      reading.push(result);
    }
    yield await (reading.shift() as Promise<R>);
  }
}

function addDirectories(places: Map<string, LayerFile | undefined>, path: string): void {
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    const directory = path.slice(0, slash);
    if (!places.has(directory)) places.set(directory, undefined);
  }
}

/** Makes the entries of a layer of packages. */
export async function* packageEntries(
  { distribution, units }: PlannedLayer,
  source: PackageSource,
): AsyncGenerator<TarEntry, void> {
  const files = (await source.listPackages(units)).map(({ path, mode, id }): LayerFile => {
    checkPackageFile({ path, mode, id });
    const place = packagePath(distribution, path.slice(PACKAGES.length + 1));
    return { path: place, mode: mode === '100755' ? mode : '100644', id };
  });
  yield* layerEntries(files, [`packages/${distribution}`], source.blobs);
}
