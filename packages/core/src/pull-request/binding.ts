import type { Package } from '../archive/package.ts';
import type { Image } from '../image/image.ts';
import type { Plugin } from '../plugin/plugin.ts';

/**
 * Says whether two lists release the same: the same plugins, versions and contents, with images of the same references.
 * Digests are compared apart, because a tag can move.
 */
export function bindsSame(one: readonly Plugin[], other: readonly Plugin[]): boolean {
  if (one.length !== other.length) return false;
  return one.every((plugin) => {
    const twin = other.find((candidate) => candidate.plugin === plugin.plugin);
    return twin !== undefined && formatPlugin(plugin) === formatPlugin(twin);
  });
}

function formatPlugin({ plugin, version, file, commit, blob, images }: Plugin): string {
  const references = images.map(({ source, target, name }) => [source, target, name].join(' ')).sort();
  return JSON.stringify([plugin, version, file, commit, blob, references]);
}

/** A tag that stands for something else than when it was bound. */
export interface MovedImage {
  readonly source: string;
  readonly bound: string;
  readonly now: string;
}

/** Returns the images whose digest is not the one that is bound; those of which one is not known are left out. */
export function findMovedImages(bound: readonly Plugin[], now: readonly Plugin[]): MovedImage[] {
  const digests = digestsOf(now);
  return bound.flatMap(({ images }) =>
    images.flatMap(({ source, digest }) => {
      const found = digests.get(source);
      if (digest === undefined || found === undefined || digest === found) return [];
      return [{ source, bound: digest, now: found }];
    }),
  );
}

function digestsOf(plugins: readonly Plugin[]): ReadonlyMap<string, string> {
  return new Map(
    plugins.flatMap(({ images }) =>
      images.flatMap(({ source, digest }): [string, string][] => (digest === undefined ? [] : [[source, digest]])),
    ),
  );
}

/** Says whether a package was made of exactly what a plugin binds. */
export function isPackageOf(item: Package, plugin: Plugin): boolean {
  if (item.plugin !== plugin.plugin || item.version !== plugin.version || item.commit !== plugin.commit) return false;
  return formatDigests(item.images) === formatDigests(plugin.images);
}

function formatDigests(images: readonly Image[]): string {
  return JSON.stringify(images.map(({ target, name, digest }) => [target, name, digest ?? ''].join(' ')).sort());
}
