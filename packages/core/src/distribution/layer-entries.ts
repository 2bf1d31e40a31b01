import type { TarAttributes, TarEntry, TarFileMode } from '../archive/tar.ts';
import type { FileSource } from './file-source.ts';
import { comparePaths } from './git-tree.ts';
import { type PlannedLayer, packagePath } from './layer-plan.ts';

/** A file of a layer: its place in the image, and what git knows of it. */
export interface LayerFile {
  /** Without a slash before it. */
  readonly path: string;
  readonly mode: '100644' | '100755';
  readonly id: string;
  /** Bytes. */
  readonly size: number;
}

/** ext4 has 65,000 links of one file at the most; where there are more names, another first one is begun. */
const NAMES_PER_FILE = 30_000;

const MODES: Readonly<Record<LayerFile['mode'], TarFileMode>> = { '100644': 0o644, '100755': 0o755 };

/**
 * Returns the entries of a layer's tar: directories and files sorted by path, equal files as hard links to the first.
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
): TarEntry[] {
  const places = new Map<string, LayerFile | undefined>();
  for (const directory of directories) addDirectories(places, `${directory}/`);
  for (const file of files) {
    addDirectories(places, file.path);
    places.set(file.path, file);
  }
  const first = new Map<string, { readonly path: string; names: number }>();
  return [...places]
    .sort(([a], [b]) => comparePaths(a, b))
    .map(([path, file]): TarEntry => {
      if (file === undefined) return { directory: path, attributes: attributes(path) };
      const { id, size } = file;
      const mode = MODES[file.mode];
      const identity = `${file.mode} ${id}`;
      const known = first.get(identity);
      if (known !== undefined && known.names < NAMES_PER_FILE) {
        known.names += 1;
        return { name: path, linkTo: known.path, mode };
      }
      first.set(identity, { path, names: 1 });
      const open = async function* (): AsyncGenerator<Buffer, void> {
        const bytes = await source.read(id, path);
        if (bytes.length > 0) yield bytes;
      };
      return { name: path, content: { size, open }, mode };
    });
}

function addDirectories(places: Map<string, LayerFile | undefined>, path: string): void {
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    places.set(path.slice(0, slash), undefined);
  }
}

/** Returns the entries of a layer of packages. */
export function packageEntries({ distribution, names }: PlannedLayer, source: FileSource): TarEntry[] {
  const files = names.flatMap((name) =>
    name.files.map((file) => ({ ...file, path: packagePath(distribution, file.path) })),
  );
  return layerEntries(files, [`packages/${distribution}`], source);
}
