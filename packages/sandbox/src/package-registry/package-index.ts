import { load } from 'js-yaml';

/** A package version that is served. */
export interface ServedPackage {
  readonly name: string;
  readonly version: string;
  /** The directory it is served from. */
  readonly directory: string;
  readonly manifest: Readonly<Record<string, unknown>>;
}

export interface PackageIndex {
  /** Newest first below each name. */
  readonly packages: readonly ServedPackage[];
  /** Directories that were passed over, and why. */
  readonly ignored: readonly string[];
}

const SEMVER = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-.]+))?(?:\+[0-9A-Za-z-.]+)?$/;

/**
 * Indexes the packages of an image's files the way Elastic's registry does: `package_paths` in their order, the first of
 * equal versions wins, directories that are no strict semantic version are passed over, and so are paths that are absent. Throws
 * for a version without a manifest, and for one whose manifest names another one.
 *
 * @see https://github.com/elastic/package-registry
 */
export function indexPackages(files: ReadonlyMap<string, Buffer>): PackageIndex {
  const found = new Map<string, ServedPackage>();
  const ignored: string[] = [];
  for (const root of readPackagePaths(files)) {
    for (const directory of versionDirectories(files, root)) {
      const version = directory.slice(directory.lastIndexOf('/') + 1);
      const manifest = files.get(`${directory}/manifest.yml`);
      if (!SEMVER.test(version)) {
        ignored.push(`${directory}: unexpected directory`);
      } else {
        if (manifest === undefined) throw new Error(`${directory} has no manifest.yml`);
        const served = readPackage(directory, manifest);
        const key = `${served.name} ${served.version}`;
        if (found.has(key)) ignored.push(`${directory}: found before`);
        else found.set(key, served);
      }
    }
  }
  const packages = [...found.values()].sort((a, b) =>
    a.name < b.name ? -1 : a.name > b.name ? 1 : compareVersions(b.version, a.version),
  );
  return { packages, ignored };
}

function readPackagePaths(files: ReadonlyMap<string, Buffer>): string[] {
  const config = files.get('/package-registry/config.yml');
  if (config === undefined) throw new Error('the image has no /package-registry/config.yml');
  const value = load(config.toString('utf8'));
  const paths: unknown = isRecord(value) ? value['package_paths'] : undefined;
  return Array.isArray(paths) ? paths.map((path: unknown) => String(path).replace(/\/+$/, '')) : [];
}

function versionDirectories(files: ReadonlyMap<string, Buffer>, root: string): string[] {
  const directories = new Set<string>();
  for (const path of files.keys()) {
    if (!path.startsWith(`${root}/`)) continue;
    const [name, version, file] = path.slice(root.length + 1).split('/');
    if (file !== undefined) directories.add(`${root}/${name}/${version}`);
  }
  return [...directories].sort();
}

function readPackage(directory: string, bytes: Buffer): ServedPackage {
  const manifest = load(bytes.toString('utf8'));
  if (!isRecord(manifest)) throw new Error(`${directory}/manifest.yml is no mapping`);
  const { name, version } = manifest;
  if (typeof name !== 'string' || typeof version !== 'string') {
    throw new Error(`${directory}/manifest.yml has no name or no version`);
  }
  if (!directory.endsWith(`/${name}/${version}`)) {
    throw new Error(`${directory}/manifest.yml is that of ${name} ${version}`);
  }
  return { name, version, directory, manifest };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Says whether a version is hidden until somebody asks for prereleases: 0.x counts as one. */
export function isPrerelease(version: string): boolean {
  const [, major, , , suffix] = SEMVER.exec(version) ?? [];
  return major === '0' || suffix !== undefined;
}

/** Compares by precedence; https://semver.org/#spec-item-11. */
export function compareVersions(a: string, b: string): number {
  const [first, second] = [SEMVER.exec(a) ?? [], SEMVER.exec(b) ?? []];
  for (const part of [1, 2, 3]) {
    const difference = Number(first[part]) - Number(second[part]);
    if (difference !== 0) return difference;
  }
  const [left, right] = [first[4], second[4]];
  if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
  const [leftParts, rightParts] = [left.split('.'), right.split('.')];
  for (let index = 0; index < Math.max(leftParts.length, rightParts.length); index += 1) {
    const difference = compareIdentifiers(leftParts[index], rightParts[index]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareIdentifiers(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(b === undefined) - Number(a === undefined);
  const [numberA, numberB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (numberA && numberB) return Number(a) - Number(b);
  if (numberA !== numberB) return numberA ? -1 : 1;
  return a < b ? -1 : Number(a > b);
}
