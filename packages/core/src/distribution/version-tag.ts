import type { Distribution } from '../configuration/storage.ts';
import { ConfigurationError } from '../errors.ts';
import type { Digest } from '../image/digest.ts';
import type { Repository } from '../registry/repository.ts';
import { hasAllLayers } from './build-layers.ts';
import type { DistributionLabels } from './labels.ts';
import { type PublishedDistribution, tryFindImage } from './published-distribution.ts';

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests */
const IMAGE_TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/**
 * Throws a ConfigurationError for a git tag that no image may be called after: one that registries refuse, one of a
 * distribution, which moves, and one that looks like a commit's.
 */
export function checkVersionTag(tag: string, distributions: readonly Distribution[]): void {
  const owner = distributions.find((distribution) => distribution.tag === tag || distribution.name === tag);
  const problem = !IMAGE_TAG.test(tag)
    ? 'registries take letters, digits, dots, dashes and underscores only, 128 at the most'
    : owner !== undefined
      ? `it is the moving tag of the distribution '${owner.name}'`
      : /^[0-9a-f]{40}(?:-[0-9a-f]{12})?$/.test(tag)
        ? 'it looks like the tag of a commit'
        : undefined;
  if (problem === undefined) return;
  throw new ConfigurationError(
    'invalid-tag',
    `No image can be called after the tag '${tag}': ${problem}. Give the commit another tag, such as 7.9.0.`,
  );
}

/** A git tag, and the commit that it points to. */
export interface VersionTag {
  readonly tag: string;
  readonly commit: string;
}

/**
 * Returns the image that a version's tag is to show: the one under that tag already, else the one that the distribution's
 * tag shows when it was built from this commit, else the first that was. Undefined when there is none that is whole. Throws a
 * ConfigurationError for a tag that shows an image of something else.
 */
export async function findImageOfVersion(
  images: Repository,
  distribution: Distribution,
  { tag, commit }: VersionTag,
): Promise<(PublishedDistribution & { readonly labels: DistributionLabels }) | undefined> {
  for (const reference of [tag, distribution.tag, commit]) {
    const { image } = await tryFindImage(images, reference);
    const labels = image?.labels;
    if (image !== undefined && labels?.revision === commit && labels.distribution === distribution.name) {
      // One that has lost a layer runs nowhere: it is built again.
      if (await hasAllLayers(image)) return { ...image, labels };
      continue;
    }
    if (reference !== tag || image === undefined) continue;
    const what = labels === undefined ? 'was not built by us' : `is of '${labels.distribution}' at ${labels.revision}`;
    throw tagExists(images, tag, `${image.digest}, which ${what}, and the tag points to ${commit}`);
  }
  return undefined;
}

/** Lets a version's tag show an image, and returns whether it did not already. It is written once and never moved. */
export async function writeVersionTag(
  images: Repository,
  tag: string,
  digest: Digest,
  { dryRun }: { readonly dryRun: boolean },
): Promise<boolean> {
  const shown = await images.head(tag);
  if (shown?.digest === digest) return false;
  if (shown !== undefined) throw tagExists(images, tag, `${shown.digest}, and is to show ${digest}`);
  if (!dryRun) await images.putManifest(await images.manifest(digest), tag);
  return true;
}

function tagExists(images: Repository, tag: string, shown: string): ConfigurationError {
  return new ConfigurationError(
    'tag-exists',
    `${images}:${tag} shows ${shown}. The tag of a version is written once: give the commit another tag, ` +
      'or delete this one in the registry when nobody uses it.',
  );
}
