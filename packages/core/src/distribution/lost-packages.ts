import { messageOf } from '../errors.ts';
import type { Finding } from '../plugin/finding.ts';
import { formatPackageVersion } from '../storage/package-version.ts';
import type { BuildContext } from './build-sources.ts';
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
