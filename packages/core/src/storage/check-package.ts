import { isRegular, type RepositoryFile } from '../github/repository-files.ts';
import { listBelow } from '../github/tree.ts';
import { mapPooled } from '../util/pool.ts';
import { parseYaml, YamlError } from '../util/yaml-document.ts';
import { pathOf } from './merged-changes.ts';
import { isPackageName, isStrictVersion, type PackageTree } from './package-version.ts';
import { PACKAGES, readPackages } from './packages.ts';
import type { StorageRepository } from './storage-repository.ts';
import { hasWhiteout } from './whiteout.ts';

const AT_ONCE = 8;

/** A manifest is a page or two, bytes. */
const MANIFEST_LIMIT = 1024 * 1024;

/** Linux takes no longer names, bytes; https://man7.org/linux/man-pages/man3/pathconf.3.html. */
const NAME_LIMIT = 255;

/** What stands in the place of bytes that are no UTF-8. */
const REPLACEMENT = '\ufffd';

/**
 * Returns what is wrong with the directories of package versions at a commit: their names, their versions, their manifests,
 * and files that no image can hold. A package registry would skip such a directory or serve it under another name, and an
 * image with it could not be built; once it is merged, it may be too late, for nothing may be removed from some branches.
 *
 * A job's token has a thousand requests an hour, so the files of all versions of one name are listed by one request, and
 * the manifests are asked for together.
 */
export async function checkPackages(
  storage: StorageRepository,
  commit: string,
  versions: readonly PackageTree[],
): Promise<string[]> {
  if (versions.length === 0) return [];
  const packages = await readPackages(storage.trees, commit, []);
  const trees = new Map(packages.names.map(({ path, id }) => [path, id]));
  const names = [...Map.groupBy(versions, ({ name }) => name).values()];
  const listed = await mapPooled(names, AT_ONCE, (ofName) => listFiles(storage, ofName, trees));
  const found = listed.flat();
  const readable = found.flatMap(({ manifest }) => (isReadable(manifest) ? [manifest] : []));
  const sources = await storage.blobs.readMany(readable);
  const manifests = new Map(readable.map(({ path }, index) => [path, sources[index]?.toString('utf8') ?? '']));
  return found.flatMap((directory) => checkDirectory(directory, manifests));
}

/** The directory of a package version. */
interface VersionDirectory {
  readonly version: PackageTree;
  readonly files: readonly RepositoryFile[];
  readonly manifest: RepositoryFile | undefined;
}

/** Lists the files of versions of one name: all at once, or of a single one only its own. */
async function listFiles(
  { github, name: repository }: StorageRepository,
  versions: readonly PackageTree[],
  trees: ReadonlyMap<string, string>,
): Promise<VersionDirectory[]> {
  const [first, ...others] = versions;
  if (first === undefined) return [];
  const tree = others.length === 0 ? undefined : trees.get(first.name);
  const files =
    tree === undefined
      ? await listBelow(github, repository, first.tree, pathOf(first))
      : await listBelow(github, repository, tree, `${PACKAGES}/${first.name}`);
  return versions.map((version) => {
    const directory = `${pathOf(version)}/`;
    const own = files.filter(({ path }) => path.startsWith(directory));
    return { version, files: own, manifest: own.find(({ path }) => path === `${directory}manifest.yml`) };
  });
}

function isReadable(manifest: RepositoryFile | undefined): manifest is RepositoryFile {
  return manifest !== undefined && isRegular(manifest) && manifest.size <= MANIFEST_LIMIT;
}

function checkDirectory(
  { version, files, manifest }: VersionDirectory,
  manifests: ReadonlyMap<string, string>,
): string[] {
  const problems = [...checkNames(version), ...files.flatMap(checkFile)];
  if (manifest === undefined) return [...problems, `${pathOf(version)} has no manifest.yml.`];
  const source = manifests.get(manifest.path);
  if (source !== undefined) {
    return [...problems, ...checkManifest(source, version).map((problem) => `${manifest.path}: ${problem}`)];
  }
  return isRegular(manifest)
    ? [...problems, `${manifest.path} has ${manifest.size} bytes; more than 1 MiB is no manifest.`]
    : problems;
}

function checkNames(version: PackageTree): string[] {
  const path = pathOf(version);
  const problems: string[] = [];
  if (!isPackageName(version.name)) {
    problems.push(
      `${path}: '${version.name}' is no name of a package: small letters, digits, '-' and '_', at most 63.`,
    );
  }
  if (!isStrictVersion(version.version)) {
    const why = /^v\d/i.test(version.version) ? ' Write it without v.' : '';
    problems.push(
      `${path}: '${version.version}' is no strict semantic version, so no package registry serves it.${why}`,
    );
  }
  return problems;
}

/** Returns why the build of an image would refuse a file, or why nobody could unpack it. */
function checkFile({ path, mode }: RepositoryFile): string[] {
  const problems: string[] = [];
  if (mode === '120000') problems.push(`${path} is a symlink; put the file itself there.`);
  if (mode === '160000') problems.push(`${path} is a submodule; put its files there.`);
  if (hasWhiteout(path)) {
    problems.push(`${path}: in an image a name that begins with '.wh.' removes another file. Rename it.`);
  }
  if (path.includes(REPLACEMENT)) problems.push(`${path}: its name is not UTF-8. Rename it.`);
  if (path.split('/').some((part) => Buffer.byteLength(part) > NAME_LIMIT)) {
    problems.push(`${path}: no file system takes names over ${NAME_LIMIT} bytes. Rename it.`);
  }
  return problems;
}

/** Returns what is wrong with a manifest: it must say the name and the version of its directory. */
function checkManifest(source: string, { name, version }: Omit<PackageTree, 'tree'>): string[] {
  let value: unknown;
  try {
    value = parseYaml(source).value;
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return [`line ${error.position.line}: ${error.message}.`];
  }
  const fields = Object.entries({ name, version }).map(([field, expected]) => {
    const found = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined;
    if (found === expected) return undefined;
    return `\`${field}\` is ${found === undefined ? 'missing' : JSON.stringify(found)}; the directory says '${expected}'.`;
  });
  return fields.filter((problem) => problem !== undefined);
}
