import type { Package } from '../archive/package.ts';
import type { Plugin } from '../plugin/plugin.ts';
import { bindsSame, findMovedImages, isPackageOf, type MovedImage } from './binding.ts';
import type { ReleaseRecord } from './release-record.ts';

/** What a release that may go ahead comes to, given what was released of the same commit before. */
export type ReleaseDecision =
  | { readonly kind: 'released'; readonly record: ReleaseRecord }
  | { readonly kind: 'refused'; readonly missing: readonly string[] }
  | { readonly kind: 'release'; readonly plugins: readonly Plugin[]; readonly packages: readonly Package[] };

/**
 * Decides what to release. `now` is what the commit says now, with the digests that its tags have now, where somebody has
 * looked; where nobody has, what was bound is what holds.
 *
 * What is bound stays bound: a release that is taken up again goes on with its own digests, and a tag that has moved since
 * is refused, whatever else is listed beside it. Only who withdraws the release, or dispatches it with `overwrite`, binds
 * anew. Who commands may list other images as long as nothing is released; what is only taken up again, with nobody's
 * authority of today, must be what was commanded.
 */
export function decideRelease(
  last: ReleaseRecord | undefined,
  now: readonly Plugin[],
  { overwrite, isResumed }: { readonly overwrite: boolean; readonly isResumed: boolean },
): ReleaseDecision {
  if (overwrite) return { kind: 'release', plugins: now, packages: [] };
  const plugins = last?.withdrawnBy === undefined ? now.map((plugin) => addBound(plugin, last?.plugins ?? [])) : now;
  const packages = keepPackages(last, plugins);
  if (last === undefined || last.withdrawnBy !== undefined) return { kind: 'release', plugins, packages };
  const isDone = last.state === 'done';
  const moved = findMovedImages(last.plugins, plugins);
  if (moved.length > 0) return { kind: 'refused', missing: moved.map((image) => explainMoved(image, isDone)) };
  if (isDone || isResumed) {
    const isSame = bindsSame(last.plugins, plugins);
    if (!isSame) return { kind: 'refused', missing: [explainOther(last.plugins, plugins, isDone)] };
    if (isDone) return { kind: 'released', record: last };
  }
  return { kind: 'release', plugins, packages };
}

/** Adds the digests that were bound to images of which none is known. */
function addBound(plugin: Plugin, bound: readonly Plugin[]): Plugin {
  const images = bound.find((other) => other.plugin === plugin.plugin)?.images ?? [];
  return {
    ...plugin,
    images: plugin.images.map((image) => {
      const twin = images.find(({ source }) => source === image.source);
      if (image.digest !== undefined || twin?.digest === undefined) return image;
      return { ...image, digest: twin.digest, ...(twin.platforms !== undefined && { platforms: twin.platforms }) };
    }),
  };
}

function keepPackages(last: ReleaseRecord | undefined, plugins: readonly Plugin[]): Package[] {
  const known = last?.packages ?? [];
  return plugins.flatMap((plugin) => known.find((item) => isPackageOf(item, plugin)) ?? []);
}

function explainOther(bound: readonly Plugin[], now: readonly Plugin[], isReleased: boolean): string {
  const sources = (plugins: readonly Plugin[]): Set<string> =>
    new Set(plugins.flatMap(({ images }) => images.map(({ source }) => source)));
  const [before, after] = [sources(bound), sources(now)];
  const differences = [
    ...[...after].filter((source) => !before.has(source)).map((source) => `${source} is new`),
    ...[...before].filter((source) => !after.has(source)).map((source) => `${source} is gone`),
  ];
  const how = differences.length > 0 ? differences.join(', ') : 'the files or the configuration say otherwise';
  if (isReleased) {
    return (
      `The commit was released with other images than are listed now: ${how}. A release is immutable: bump the version, ` +
      'or dispatch the release with `overwrite: true` and a reason.'
    );
  }
  return (
    `Other images are listed than when the release was commanded: ${how}. Where that is meant, comment ` +
    '/queue working-image-pushed.'
  );
}

function explainMoved({ source, bound, now }: MovedImage, isReleased: boolean): string {
  if (isReleased) {
    return (
      `${source} was released as ${bound}, and is ${now} by now. A release is immutable: bump the version, or dispatch ` +
      'the release with `overwrite: true` and a reason.'
    );
  }
  return (
    `${source} was bound as ${bound}, and is ${now} by now: the tag was moved. Push what was bound again, or, if the new ` +
    'content is meant, comment /queue need-queue and then /queue working-image-pushed.'
  );
}
