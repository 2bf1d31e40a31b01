import type { RefUpdate, RemoteRef } from './remote.ts';
import { compareVersions, formatVersion, readVersionTag, type Version } from './version.ts';

/** The releases of one major version, as the remote repository has them. */
export interface ReleaseLine {
  readonly major: number;
  /** The head of `release/v1`, which only moves forward; undefined before the first release. */
  readonly head: RemoteRef | undefined;
  /** What the tag `v1` points to, which moves, and after a roll back is not the newest. */
  readonly moving: RemoteRef | undefined;
  /** Every release, the oldest first. */
  readonly releases: readonly { readonly version: Version; readonly ref: RemoteRef }[];
}

const branchOf = (major: number): string => `refs/heads/release/v${major}`;
const tagOf = (name: string): string => `refs/tags/${name}`;

/** Finds the releases of a major version among the refs of a repository; throws when they do not belong together. */
export function readLine(refs: ReadonlyMap<string, RemoteRef>, major: number): ReleaseLine {
  const releases = findReleases(refs).filter(({ version }) => version.major === major);
  const head = refs.get(branchOf(major));
  const newest = releases.at(-1);
  if (head?.commit !== newest?.ref.commit) {
    const expected =
      newest === undefined ? 'there is no release yet' : `${formatVersion(newest.version)} is the newest`;
    throw new Error(
      `${branchOf(major)} is at ${head?.commit ?? 'no commit'}, and ${expected}${newest === undefined ? '' : ` (${newest.ref.commit})`}. ` +
        'Somebody has pushed to it by hand; put it right first.',
    );
  }
  return { major, head, moving: refs.get(tagOf(`v${major}`)), releases };
}

/** Returns every release of a repository, the oldest version first. */
function findReleases(refs: ReadonlyMap<string, RemoteRef>): { readonly version: Version; readonly ref: RemoteRef }[] {
  return [...refs]
    .flatMap(([name, ref]) => {
      const version = name.startsWith('refs/tags/') ? readVersionTag(name.slice('refs/tags/'.length)) : undefined;
      return version === undefined ? [] : [{ version, ref }];
    })
    .sort((a, b) => compareVersions(a.version, b.version));
}

/** Returns the first release of the next major version that was released after `major`; undefined when there is none. */
export function findLaterMajor(refs: ReadonlyMap<string, RemoteRef>, major: number): Version | undefined {
  return findReleases(refs).find(({ version }) => version.major > major)?.version;
}

/** Returns a release that was made; undefined when there is none of that version. */
export function findRelease({ releases }: ReleaseLine, version: Version): RemoteRef | undefined {
  return releases.find((release) => compareVersions(release.version, version) === 0)?.ref;
}

/** Throws unless the version comes after all that were released. */
export function requireNext({ releases }: ReleaseLine, version: Version): void {
  const newest = releases.at(-1);
  if (newest === undefined || compareVersions(version, newest.version) > 0) return;
  throw new Error(`${formatVersion(version)} does not come after ${formatVersion(newest.version)}, which is released.`);
}

/** Returns what a release moves: its branch forward, its own tag for good, and the tag that people follow. */
export function releaseUpdates(line: ReleaseLine, version: Version, commit: string): RefUpdate[] {
  return [
    { ref: branchOf(line.major), from: line.head?.id, to: commit },
    { ref: tagOf(formatVersion(version)), from: undefined, to: commit },
    { ref: tagOf(`v${line.major}`), from: line.moving?.id, to: commit },
  ];
}

/** Returns what a roll back moves: the tag that people follow, and nothing that was released. */
export function rollBackUpdates(line: ReleaseLine, version: Version): RefUpdate[] {
  const release = findRelease(line, version);
  if (release === undefined) {
    const there = line.releases.map((each) => formatVersion(each.version)).join(', ') || 'none';
    throw new Error(`${formatVersion(version)} was never released. There are: ${there}.`);
  }
  if (line.moving?.commit === release.commit) return [];
  return [{ ref: tagOf(`v${line.major}`), from: line.moving?.id, to: release.commit }];
}

/** Returns what a preview of a pull request moves: a branch that holds nothing but the preview. */
export function previewUpdates(
  refs: ReadonlyMap<string, RemoteRef>,
  pullRequest: number,
  commit: string | undefined,
): RefUpdate[] {
  const ref = `refs/heads/preview/pr-${pullRequest}`;
  const from = refs.get(ref)?.id;
  return from === commit ? [] : [{ ref, from, to: commit }];
}
