import { mapPooled } from '../util/pool.ts';
import type { BranchObjects, DeepObjects } from './branch-objects.ts';
import type { FileSource } from './file-source.ts';
import { DIRECTORY, type GitEntry, type GitFile, type GitTree } from './git-tree.ts';
import { fileOf, OUTLINE_DEPTH, type Outline } from './outline.ts';
import { PACKAGES, type PackageSource } from './package-files.ts';
import type { PackageUnit } from './package-plan.ts';

/** Directories that are listed at once. */
const LISTED_AT_ONCE = 32;

/** One commit, and the means to read its files; those of packages are fetched only when they are listed. */
export class BranchCommit implements PackageSource {
  readonly commit: string;
  /** Seconds since 1970. */
  readonly time: number;
  /** Files and directories as deep as those of package versions; files that lie deeper are told by `listFiles`. */
  readonly tree: GitTree;
  readonly blobs: FileSource & { close(): Promise<void> };
  readonly #deep: DeepObjects;

  constructor(commit: string, { time, tree }: Outline, shallow: BranchObjects, deep: DeepObjects) {
    this.commit = commit;
    this.time = time;
    this.tree = tree;
    this.#deep = deep;
    const here = new Set(tree.files.filter(({ path }) => depthOf(path) < OUTLINE_DEPTH).map(({ id }) => id));
    this.blobs = {
      read: (id, path) => (here.has(id) ? shallow : deep).read(id, path),
      close: async () => void (await Promise.all([shallow.close(), deep.close()])),
    };
  }

  /** Returns every file at or below one of the paths, '' for all, whose content can be read then. */
  async listFiles(paths: readonly string[]): Promise<GitFile[]> {
    const isWanted = (path: string): boolean =>
      paths.some((wanted) => wanted === '' || path === wanted || path.startsWith(`${wanted}/`));
    // A path may lie below what the outline shows.
    const holds = (directory: string): boolean => paths.some((wanted) => wanted.startsWith(`${directory}/`));
    const files = this.tree.files.filter(({ path }) => isWanted(path));
    const directories = [...this.tree.directories].filter(
      ([path]) => depthOf(path) === OUTLINE_DEPTH && (isWanted(path) || holds(path)),
    );
    const deepFiles = files.filter(({ path, mode }) => depthOf(path) === OUTLINE_DEPTH && mode !== '160000');
    await this.#deep.load([...deepFiles.map(({ id }) => id), ...directories.map(([, id]) => id)]);
    const below = await this.#walk(directories);
    return [...files, ...below.filter(({ path }) => isWanted(path))];
  }

  /** Fetches the files of package versions, all at once. */
  async load(units: readonly PackageUnit[]): Promise<void> {
    await this.#deep.load(coverUnits(units, this.tree).filter((id) => id !== ''));
  }

  /** Returns the files of package versions, which were loaded before. */
  async listPackages(units: readonly PackageUnit[]): Promise<GitFile[]> {
    const paths = units.map(({ path }) => `${PACKAGES}/${path}`);
    const directories = paths.flatMap((path) => {
      const id = this.tree.directories.get(path);
      return id === undefined ? [] : [[path, id] as const];
    });
    const wanted = new Set(paths);
    const files = directories.length === paths.length ? [] : this.tree.files.filter(({ path }) => wanted.has(path));
    return [...files, ...(await this.#walk(directories))];
  }

  /** Returns one file that stands in a package version itself; undefined when there is none. */
  async readPackageFile({ path, id }: PackageUnit, name: string): Promise<Buffer | undefined> {
    const directory = `${PACKAGES}/${path}`;
    if (!this.tree.directories.has(directory)) return undefined;
    const entries = await this.#deep.readTree(id, directory);
    const entry = entries.find((other) => other.name === name && other.mode !== DIRECTORY && other.mode !== '160000');
    return entry === undefined ? undefined : this.#deep.read(entry.id, `${directory}/${name}`);
  }

  async #walk(directories: readonly (readonly [path: string, id: string])[]): Promise<GitFile[]> {
    // Versions of a name share most of their directories.
    const known = new Map<string, Promise<GitEntry[]>>();
    const list = async (id: string, path: string, files: GitFile[]): Promise<void> => {
      const reading = known.get(id) ?? this.#deep.readTree(id, path);
      known.set(id, reading);
      const below: Promise<void>[] = [];
      for (const entry of await reading) {
        const place = `${path}/${entry.name}`;
        if (entry.mode === DIRECTORY) below.push(list(entry.id, place, files));
        else files.push(fileOf(place, entry));
      }
      await Promise.all(below);
    };
    const listed = await mapPooled(directories, LISTED_AT_ONCE, async ([path, id]) => {
      const files: GitFile[] = [];
      await list(id, path, files);
      return files;
    });
    return listed.flat();
  }
}

/**
 * Returns the ids to ask for so that all units come: a name's own where all of its versions are wanted, and one for
 * everything where all names are, for a request of ten thousand ids takes its time.
 */
function coverUnits(units: readonly PackageUnit[], { files, directories }: GitTree): string[] {
  const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
  let wanted = new Map<string, string>();
  for (const { path, id } of units) wanted.set(`${PACKAGES}/${path}`, id.slice(id.lastIndexOf(' ') + 1));
  for (const depth of [OUTLINE_DEPTH, OUTLINE_DEPTH - 1]) {
    const children = new Map<string, number>();
    const paths = [...directories.keys(), ...files.map(({ path }) => path)];
    for (const path of paths) {
      if (depthOf(path) === depth) children.set(parentOf(path), (children.get(parentOf(path)) ?? 0) + 1);
    }
    const groups = Map.groupBy(wanted, ([path]) => (depthOf(path) === depth ? parentOf(path) : ''));
    const covered = new Map<string, string>(groups.get(''));
    for (const [parent, members] of groups) {
      if (parent === '') continue;
      const whole = directories.get(parent);
      if (whole !== undefined && members.length > 1 && members.length === children.get(parent)) {
        covered.set(parent, whole);
      } else for (const [path, id] of members) covered.set(path, id);
    }
    wanted = covered;
  }
  return [...wanted.values()];
}

function depthOf(path: string): number {
  let depth = 1;
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) depth += 1;
  return depth;
}
