import { posix } from 'node:path';
import type { PackageTree } from '../storage/package-version.ts';
import type { BranchStore } from './branch-store.ts';
import { type BuildContext, type BuildSources, labelUpstream, readBranchFile } from './build-sources.ts';
import { findCopiedFiles } from './copied-files.ts';
import { listPackageVersions } from './package-files.ts';
import { findWrongManifests } from './package-manifests.ts';
import { readPackagePaths } from './registry-configuration.ts';
import { findServedPackages, type OfferedPackages, type ServedPackages } from './served-packages.ts';

/**
 * Returns what a registry will serve of the image: its own packages from the branch, those of the upstreams from the
 * commits they were built from, or, of foreign ones, as they were read.
 */
export async function readServedPackages(
  context: BuildContext,
  sources: BuildSources,
  store: BranchStore,
  foreign: ReadonlyMap<string, readonly PackageTree[]>,
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
  const served = findServedPackages(offered, await findPackagePaths(context, sources));
  return { ...served, findings: [...served.findings, ...(await findWrongManifests(branch))] };
}

/** Finds the registry's configuration among the files that the Dockerfile copies. */
async function findPackagePaths(
  { branch }: BuildContext,
  { dockerfile }: BuildSources,
): Promise<readonly string[] | undefined> {
  for (const step of dockerfile.steps) {
    if (step.kind !== 'copy') continue;
    for (const file of findCopiedFiles(branch.tree, step, `${dockerfile.file}:${step.line}`)) {
      if (!/\.ya?ml$/.test(file.path)) continue;
      const source = branch.tree.files.find(({ id }) => id === file.id)?.path ?? posix.basename(file.path);
      const text = await readBranchFile(branch, source);
      const paths = text === undefined ? undefined : readPackagePaths(text, source);
      if (paths !== undefined) return paths;
    }
  }
  return undefined;
}
