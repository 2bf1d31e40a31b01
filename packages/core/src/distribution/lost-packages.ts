import { ConfigurationError, messageOf } from '../errors.ts';
import type { Finding } from '../plugin/finding.ts';
import { formatPackageVersion, type PackageVersion } from '../storage/package-version.ts';
import type { BranchStore } from './branch-store.ts';
import { type BuildContext, type BuildSources, labelUpstream } from './build-sources.ts';
import { type ForeignPackages, readForeignPackages } from './foreign-packages.ts';
import { listPackageVersions } from './package-files.ts';
import type { PublishedDistribution } from './published-distribution.ts';

/**
 * Finds what an image of before our time holds and the branch does not: whoever uses it would miss that. One that cannot
 * be read holds up nobody, for the next image takes its place.
 */
export async function findLostPackages(
  { branch, distribution }: BuildContext,
  current: PublishedDistribution | undefined,
  directory: string,
): Promise<Finding[]> {
  if (current === undefined || current.labels !== undefined) return [];
  const where = `${current.repository}:${distribution.tag}`;
  let packages: ForeignPackages | undefined;
  try {
    packages = await readForeignPackages(current, distribution.name, directory);
  } catch (error) {
    return [
      {
        file: '',
        line: 1,
        column: 1,
        rule: 'package-lost',
        severity: 'warning',
        message: `What ${where} serves now cannot be read: ${messageOf(error)} Packages of it that are not on the branch are served no longer.`,
        fix: 'Compare it with the branch by hand if it holds packages of its own.',
      },
    ];
  }
  const onBranch = new Set(listPackageVersions(branch.tree.directories).versions.map(formatPackageVersion));
  const inImage = packages === undefined ? [] : listPackageVersions(packages.tree.directories).versions;
  return inImage
    .filter((version) => !onBranch.has(formatPackageVersion(version)))
    .map((version) => ({
      file: `packages/${version.name}/${version.version}`,
      line: 1,
      column: 1,
      rule: 'package-lost',
      severity: 'warning',
      message: `${formatPackageVersion(version)} is in the image that ${where} shows, which was not built by us, and not on the branch: it is served no longer.`,
      fix: 'Commit it to the branch if it shall stay.',
    }));
}

/**
 * Throws a ConfigurationError for package versions that the current image of ours serves, that are on the branch of a
 * configured upstream, and that the next image would not serve: they have left this branch before an image of the upstream
 * that holds them was built. What no branch holds any more was removed on purpose.
 */
export async function checkNothingVanishes(
  context: BuildContext,
  sources: BuildSources,
  current: PublishedDistribution | undefined,
  served: readonly PackageVersion[],
  store: BranchStore,
): Promise<void> {
  const { distribution } = context;
  const before = await listServed(context, sources, current, store);
  const after = new Set(served.map(formatPackageVersion));
  const lost = new Set(before.map(formatPackageVersion).filter((version) => !after.has(version)));
  if (current === undefined || lost.size === 0) return;
  for (const upstream of distribution.upstream) {
    const head = await store.findHead(upstream);
    if (head === undefined) continue;
    const { versions } = listPackageVersions(await store.readDirectories(head));
    const [first, ...others] = versions.map(formatPackageVersion).filter((version) => lost.has(version));
    if (first === undefined) continue;
    const more = others.length === 0 ? '' : ` and ${others.length} more`;
    throw new ConfigurationError(
      'package-lost',
      `${first}${more}: served now by ${current.repository}:${distribution.tag}, on the branch '${upstream}' at ${head}, and ` +
        `not in the image of '${upstream}' that the Dockerfile names: nobody would be served it any more. ` +
        `Build '${upstream}' first, then '${distribution.name}' again.`,
    );
  }
}

/** Lists what an image of ours serves, except for what the next one takes from the same commits. */
async function listServed(
  { branch }: BuildContext,
  { upstreams }: BuildSources,
  current: PublishedDistribution | undefined,
  store: BranchStore,
): Promise<PackageVersion[]> {
  if (current?.labels === undefined) return [];
  const { distribution, revision, upstreams: contained } = current.labels;
  const next = [{ name: distribution, revision: branch.commit }, ...upstreams.map(labelUpstream)];
  const versions: PackageVersion[] = [];
  for (const part of [{ name: distribution, revision }, ...contained]) {
    if ('packages' in part && part.packages !== undefined) versions.push(...part.packages);
    else if (part.revision === undefined) continue;
    else if (next.some(({ name, revision: commit }) => name === part.name && commit === part.revision)) continue;
    else versions.push(...listPackageVersions(await store.readDirectories(part.revision)).versions);
  }
  return versions;
}
