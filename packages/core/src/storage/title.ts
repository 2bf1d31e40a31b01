import { formatPackageVersion, type PackageTree, type PackageVersion } from './package-version.ts';

/** GitHub takes no longer titles. */
const LIMIT = 256;

/** Returns the beginning that the title of each pull request to a distribution's branch must have: `[staging] `. */
export function titlePrefix(distribution: string): string {
  return `[${distribution}] `;
}

/** What a commit or pull request does to a distribution, in the words of its title. */
export interface Wording {
  /** `Promote packages from snapshot`; the packages follow. */
  readonly long: string;
  /** `Promote many packages from snapshot`, for more packages than a title takes. */
  readonly short: string;
}

/** How promotions, removals and registrations are called. */
export const WORDINGS = {
  promote: (from: string): Wording => ({
    long: `Promote packages from ${from}`,
    short: `Promote many packages from ${from}`,
  }),
  remove: { long: 'Remove promoted packages', short: 'Remove many promoted packages' },
  register: { long: 'Register packages', short: 'Register many packages' },
} as const;

/** Returns `[staging] Promote packages from snapshot (foo-1.2.3, bar-2.0.0)`, or its short form over 256 characters. */
export function formatTitle(distribution: string, wording: Wording, packages: readonly PackageVersion[]): string {
  const prefix = titlePrefix(distribution);
  const long = `${prefix}${wording.long} (${packages.map(formatPackageVersion).join(', ')})`;
  return long.length <= LIMIT ? long : `${prefix}${wording.short}`;
}

/** Returns a text of somebody's as code on one line, in which Markdown means nothing and nobody is called. */
export function inCode(text: string): string {
  return `\`${text.replaceAll(/\s+/g, ' ').replaceAll('`', "'")}\``;
}

/** Returns the packages with their tree ids as a Markdown list: the proof of what moves. */
export function formatPackageList(packages: readonly PackageTree[]): string {
  return packages.map((each) => `- ${inCode(formatPackageVersion(each))} \`${each.tree}\`\n`).join('');
}
