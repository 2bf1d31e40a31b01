import type { Finding } from '../plugin/finding.ts';
import { comparePackageVersions, formatPackageVersion, type PackageTree } from '../storage/package-version.ts';
import type { VersionList } from './package-files.ts';

/** What one directory of packages in the image offers a registry. */
export interface OfferedPackages extends VersionList {
  readonly distribution: string;
}

/** What a registry serves of an image, and what is to be said about the rest. */
export interface ServedPackages {
  readonly versions: readonly (PackageTree & { readonly distribution: string })[];
  readonly findings: readonly Finding[];
}

/**
 * Returns the package versions that a registry will serve: of equal ones the first in the order of its `package_paths`,
 * and none from directories that are no strict versions. What is on the branches and will not be served is a finding.
 */
export function findServedPackages(
  offered: readonly OfferedPackages[],
  packagePaths: readonly string[] | undefined,
): ServedPackages {
  const findings: Finding[] = [];
  const served = new Map<string, PackageTree & { readonly distribution: string }>();
  const ordered = orderByPaths(offered, packagePaths);
  for (const { distribution } of offered) {
    if (ordered.some((other) => other.distribution === distribution)) continue;
    findings.push(
      report({
        rule: 'packages-not-served',
        severity: 'error',
        message: `The registry's package_paths do not name /packages/${distribution}: none of its packages would be served.`,
        fix: `Add /packages/${distribution} to package_paths.`,
      }),
    );
  }
  for (const { distribution, versions, skipped } of ordered) {
    for (const version of versions.toSorted(comparePackageVersions)) {
      const label = formatPackageVersion(version);
      const first = served.get(label);
      if (first === undefined) served.set(label, { ...version, distribution });
      else findings.push(reportShadowed(version, distribution, first));
    }
    findings.push(...skipped.map((path) => reportSkipped(path, distribution)));
  }
  return { versions: [...served.values()].sort(comparePackageVersions), findings };
}

/** Without a configuration that is known the registry's own applies, which names one directory we cannot know. */
function orderByPaths(
  offered: readonly OfferedPackages[],
  packagePaths: readonly string[] | undefined,
): readonly OfferedPackages[] {
  if (packagePaths === undefined) return offered;
  return packagePaths.flatMap((path) => {
    const found = offered.find(({ distribution }) => `/packages/${distribution}` === path.replace(/\/+$/, ''));
    return found === undefined ? [] : [found];
  });
}

function reportShadowed(
  version: PackageTree,
  distribution: string,
  first: PackageTree & { readonly distribution: string },
): Finding {
  const label = formatPackageVersion(version);
  const same = first.tree === version.tree;
  return report({
    file: `packages/${version.name}/${version.version}`,
    rule: 'package-shadowed',
    severity: 'warning',
    message: same
      ? `${label} is in '${distribution}' and in '${first.distribution}', from which it is served.`
      : `${label} of '${distribution}' (tree ${version.tree}) is never served: '${first.distribution}' holds other content (tree ${first.tree}), and comes first.`,
    fix: same
      ? `Remove it from '${distribution}'; promote-package opens the pull request.`
      : `Give it a version of its own, or remove it from '${distribution}'.`,
  });
}

function reportSkipped(path: string, distribution: string): Finding {
  const name = path.split('/').at(-1) ?? '';
  return report({
    file: path,
    rule: 'package-skipped',
    severity: 'warning',
    message: `${path} of '${distribution}' is never served: '${name}' is no strict semantic version.`,
    fix: /^v\d/.test(name) ? `Rename it to '${name.slice(1)}'.` : 'Rename it to a version such as 1.2.3, or remove it.',
  });
}

function report(finding: Pick<Finding, 'rule' | 'severity' | 'message' | 'fix'> & { file?: string }): Finding {
  return { file: '', line: 1, column: 1, ...finding };
}
