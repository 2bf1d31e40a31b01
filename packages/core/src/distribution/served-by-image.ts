import { posix } from 'node:path';
import { ConfigurationError } from '../errors.ts';
import type { Finding } from '../plugin/finding.ts';
import type { PackageTree } from '../storage/package-version.ts';
import type { BranchCommit } from './branch-commit.ts';
import type { BranchStore } from './branch-store.ts';
import { type BuildContext, type BuildSources, labelUpstream } from './build-sources.ts';
import { applySteps } from './container-settings.ts';
import { findCopiedFiles } from './copied-files.ts';
import type { LayerFile } from './layer-entries.ts';
import { listPackageVersions } from './package-files.ts';
import { findWrongManifests } from './package-manifests.ts';
import type { PackageUnit } from './package-plan.ts';
import { findConfigurationPath, INVALID_CONFIGURATION, readPackagePaths } from './registry-configuration.ts';
import { findServedPackages, type OfferedPackages, type ServedPackages } from './served-packages.ts';
import { findZipPackages, isCalledZip } from './zip-packages.ts';

/**
 * Returns what a registry will serve of the image: its own packages from the branch, those of the upstreams from the
 * commits they were built from, or, of foreign ones, as they were read. `made` are the package versions whose files are
 * looked at, in the groups in which they are packed: those of other layers were looked at when these were made.
 */
export async function readServedPackages(
  context: BuildContext,
  sources: BuildSources,
  store: BranchStore,
  foreign: ReadonlyMap<string, readonly PackageTree[]>,
  made: readonly (readonly PackageUnit[])[],
): Promise<ServedPackages> {
  const offered: OfferedPackages[] = [];
  for (const upstream of sources.upstreams) {
    const { name, revision, packages } = labelUpstream(upstream);
    const contained = foreign.get(name) ?? packages;
    if (contained !== undefined) offered.push({ distribution: name, versions: contained, skipped: [] });
    else if (revision !== undefined) {
      offered.push({ distribution: name, ...listPackageVersions(await store.readDirectories(revision)) });
    }
  }
  const { branch, distribution } = context;
  offered.push({ distribution: distribution.name, ...listPackageVersions(branch.tree.directories) });
  const { paths, findings } = await findPackagePaths(context, sources);
  const served = findServedPackages(offered, paths);
  const ofBranch = await judgeFiles(branch, made, served.versions);
  return { ...served, findings: [...findings, ...served.findings, ...ofBranch] };
}

/**
 * Looks at the files of what is packed now, layer by layer, for of all layers together there may be millions; and at zips
 * beside package versions, whose names are known anyway.
 */
async function judgeFiles(
  branch: BranchCommit,
  made: readonly (readonly PackageUnit[])[],
  served: ServedPackages['versions'],
): Promise<Finding[]> {
  await branch.load(made.flat());
  const findings: Finding[] = [];
  const beside = new Set(branch.tree.files.map(({ path }) => path).filter(isCalledZip));
  if (beside.size > 0) {
    findings.push(...(await findZipPackages(await branch.listFiles([...beside]), branch.blobs, served)));
  }
  for (const units of made) {
    findings.push(...(await findWrongManifests(branch, units)));
    const files = (await branch.listPackages(units)).filter(({ path }) => !beside.has(path));
    findings.push(...(await findZipPackages(files, branch.blobs, served)));
  }
  return findings;
}

interface PackagePaths {
  readonly paths: readonly string[] | undefined;
  readonly findings: readonly Finding[];
}

/**
 * Finds the registry's configuration among the files that the Dockerfile copies: the one that it is told to read, else one
 * that looks like it. Of others nobody knows what they are for, and what is no YAML among them is none of our business.
 */
async function findPackagePaths({ branch }: BuildContext, { base, dockerfile }: BuildSources): Promise<PackagePaths> {
  const copied: LayerFile[] = [];
  for (const step of dockerfile.steps) {
    if (step.kind === 'copy') copied.push(...(await findCopiedFiles(branch, step, `${dockerfile.file}:${step.line}`)));
  }
  const read = async ({ id, path }: LayerFile): Promise<readonly string[] | undefined> => {
    const source = branch.tree.files.find((file) => file.id === id)?.path ?? posix.basename(path);
    return readPackagePaths((await branch.blobs.read(id, source)).toString('utf8'), source);
  };
  const place = findConfigurationPath(applySteps(base.image.platforms[0].config, dockerfile.steps));
  const configuration = copied.findLast(({ path }) => `/${path}` === place);
  if (configuration !== undefined) return { paths: await read(configuration), findings: [] };
  const findings: Finding[] = [];
  for (const file of copied) {
    if (!/\.ya?ml$/.test(file.path)) continue;
    try {
      const paths = await read(file);
      if (paths !== undefined) return { paths, findings };
    } catch (error) {
      if (!(error instanceof ConfigurationError) || error.code !== INVALID_CONFIGURATION) throw error;
      findings.push({
        file: '',
        line: 1,
        column: 1,
        rule: INVALID_CONFIGURATION,
        severity: 'warning',
        message: `/${file.path} is passed over in the search for the registry's configuration: ${error.message}`,
        fix: `Copy the registry's configuration to ${place}, where it is looked for first.`,
      });
    }
  }
  return { paths: undefined, findings };
}
