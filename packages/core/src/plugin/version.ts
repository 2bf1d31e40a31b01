import coerce from 'semver/functions/coerce.js';
import compare from 'semver/functions/compare.js';
import inc from 'semver/functions/inc.js';
import parse from 'semver/functions/parse.js';

/** A version is an image's tag as well, and those have at most 128 characters. */
const LONGEST = 128;

/** Says whether `text` is a plugin's version: `vMAJOR.MINOR.PATCH[-prerelease]`; https://semver.org/#spec-item-9. */
export function isVersion(text: string): boolean {
  return /^v[0-9][0-9A-Za-z.-]*$/.test(text) && text.length <= LONGEST && parse(text) !== null;
}

/** Compares by semver precedence: negative when `a` comes before `b`; https://semver.org/#spec-item-11. */
export function compareVersions(a: string, b: string): number {
  return compare(a, b);
}

/** Returns the smallest sensible version after `version`: the next prerelease of a prerelease, else the next patch. */
export function nextVersion(version: string): string {
  return `v${inc(version, version.includes('-') ? 'prerelease' : 'patch')}`;
}

/** Returns the version that `text` most probably means, `v1.2.0` for `1.2`; undefined when it means none. */
export function guessVersion(text: string): string | undefined {
  const plain = text.trim().replace(/^[vV=\s.-]+/, '');
  // Numbers that are too large for semver are cut by coerce, to something nobody meant.
  if (plain.length > LONGEST || !/^[0-9]/.test(plain) || /[0-9]{16}/.test(plain)) return undefined;
  const trimmed = plain.replaceAll(/(?<=^|\.|^[0-9.]+-)0+(?=[0-9])/g, '');
  const version = parse(trimmed) ?? coerce(trimmed, { includePrerelease: true });
  const guess = `v${version?.version}`;
  return isVersion(guess) ? guess : undefined;
}
