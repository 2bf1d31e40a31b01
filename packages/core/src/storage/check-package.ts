import { listBelow } from '../github/tree.ts';
import { parseYaml, YamlError } from '../util/yaml-document.ts';
import { isPackageName, isStrictVersion, type PackageTree } from './package-version.ts';
import { PACKAGES } from './packages.ts';
import type { StorageRepository } from './storage-repository.ts';

/**
 * Returns what is wrong with the directory of a package version: its name, its version, its manifest, and whatever is no
 * regular file. A package registry would skip such a directory or serve it under another name.
 */
export async function checkPackage(storage: StorageRepository, version: PackageTree): Promise<string[]> {
  const path = `${PACKAGES}/${version.name}/${version.version}`;
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
  const files = await listBelow(storage.github, storage.name, version.tree, path);
  for (const { path: file, mode } of files) {
    if (mode === '120000') problems.push(`${file} is a symlink; put the file itself there.`);
    if (mode === '160000') problems.push(`${file} is a submodule; put its files there.`);
  }
  const manifest = files.find(({ path: file }) => file === `${path}/manifest.yml`);
  if (manifest === undefined) return [...problems, `${path} has no manifest.yml.`];
  if (manifest.mode !== '100644' && manifest.mode !== '100755') return problems;
  const source = (await storage.blobs.read(manifest.id)).toString('utf8');
  return [...problems, ...checkManifest(source, version).map((problem) => `${manifest.path}: ${problem}`)];
}

/** Returns what is wrong with a manifest: it must say the name and the version of its directory. */
export function checkManifest(source: string, { name, version }: Omit<PackageTree, 'tree'>): string[] {
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
