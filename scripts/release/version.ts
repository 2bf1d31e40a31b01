/** A version that can be released: three numbers, and never a prerelease, for which there are previews. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** Reads `1.2.3` or `v1.2.3`; throws an error that says how a version is written. */
export function parseVersion(text: string): Version {
  const version = readVersionTag(text.startsWith('v') ? text : `v${text}`);
  if (version === undefined) throw new Error(`'${text}' is no version: write it as 1.2.3.`);
  return version;
}

/** Reads the name of a tag; undefined for one that is not of a version, such as `v1`. */
export function readVersionTag(tag: string): Version | undefined {
  const numbers = /^v(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/.exec(tag)?.slice(1).map(Number);
  if (numbers === undefined) return undefined;
  const [major = 0, minor = 0, patch = 0] = numbers;
  return { major, minor, patch };
}

/** Returns the name of the version's tag, `v1.2.3`. */
export function formatVersion({ major, minor, patch }: Version): string {
  return `v${major}.${minor}.${patch}`;
}

/** Orders versions: negative when `a` comes first. */
export function compareVersions(a: Version, b: Version): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch;
}
