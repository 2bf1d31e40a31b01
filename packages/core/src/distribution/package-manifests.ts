import type { Finding } from '../plugin/finding.ts';
import { formatPackageVersion, isStrictVersion, type PackageVersion } from '../storage/package-version.ts';
import { mapPooled } from '../util/pool.ts';
import { parseYaml, YamlError } from '../util/yaml-document.ts';
import type { BranchCommit } from './branch-commit.ts';
import { PACKAGES } from './package-files.ts';
import type { PackageUnit } from './package-plan.ts';

/** Manifests that are read at once. */
const READ_AT_ONCE = 64;

/**
 * Finds package versions of a branch whose `manifest.yml` is missing or names another package or version than their
 * directory does: a registry that meets one does not start, or serves it under the other name. Looks at `units` only: what
 * was in an image of ours before has been looked at then.
 */
export async function findWrongManifests(branch: BranchCommit, units: readonly PackageUnit[]): Promise<Finding[]> {
  await branch.load(units);
  const findings = await mapPooled(units, READ_AT_ONCE, async (unit): Promise<Finding[]> => {
    const [name = '', directory] = unit.path.split('/');
    if (directory === undefined || !isStrictVersion(directory)) return [];
    const version = { name, version: directory };
    const manifest = await branch.readPackageFile(unit, 'manifest.yml');
    const problem = manifest === undefined ? 'has no manifest.yml' : judge(manifest.toString('utf8'), version);
    if (problem === undefined) return [];
    return [report(`${PACKAGES}/${unit.path}/manifest.yml`, `${formatPackageVersion(version)} ${problem}.`)];
  });
  return findings.flat();
}

function report(file: string, message: string): Finding {
  const fix = `Correct ${file}, or remove the directory.`;
  return { file, line: 1, column: 1, rule: 'package-manifest', severity: 'error', message, fix };
}

function judge(source: string, { name, version }: PackageVersion): string | undefined {
  // Reading thousands of manifests as YAML takes a minute; nearly all of them say it in this way.
  if (readLine(source, 'name') === name && readLine(source, 'version') === version) return undefined;
  try {
    const { value } = parseYaml(source);
    const manifest = typeof value === 'object' && value !== null ? value : {};
    const said = { name: textOf(manifest, 'name'), version: textOf(manifest, 'version') };
    if (said.name === name && said.version === version) return undefined;
    return `has a manifest.yml of ${said.name ?? 'no name'} ${said.version ?? 'without version'}`;
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return `has a manifest.yml that is no YAML: ${error.message}`;
  }
}

/** Returns the value of a key that stands once, at the beginning of a line and without escapes. */
function readLine(source: string, key: string): string | undefined {
  const [first, second] = [...source.matchAll(new RegExp(`^${key}: *(["']?)([-+.\\w]+)\\1[ \\r]*$`, 'gm'))];
  return second === undefined ? first?.[2] : undefined;
}

function textOf(value: object, key: string): string | undefined {
  const found: unknown = Reflect.get(value, key);
  return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined;
}
