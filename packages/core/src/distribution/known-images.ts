import type { Finding } from '../plugin/finding.ts';
import type { Repository } from '../registry/repository.ts';
import { hasAllLayers } from './build-layers.ts';
import { type BuildContext, type BuildSources, inputsOf } from './build-sources.ts';
import { cascadeTag, isBuiltFrom } from './distribution-tags.ts';
import type { DistributionLabels } from './labels.ts';
import { type PublishedDistribution, tryFindImage } from './published-distribution.ts';

/** An image of the same commit, base and upstreams. */
export interface ExistingImage {
  readonly tag: string;
  readonly image: PublishedDistribution & { readonly labels: DistributionLabels };
}

/** What the registry has of a distribution before a build. */
export interface KnownImages {
  /** What the distribution's tag shows. */
  readonly current: PublishedDistribution | undefined;
  /** What was built first from the commit. */
  readonly first: PublishedDistribution | undefined;
  /** The image to build, whole. */
  readonly existing: ExistingImage | undefined;
  /** What cannot be read. */
  readonly findings: readonly Finding[];
}

/** Looks up what the registry has; an image that is damaged is a finding, for the build makes another one. */
export async function findKnownImages(
  { branch: { commit }, distribution }: BuildContext,
  sources: BuildSources,
  images: Repository,
): Promise<KnownImages> {
  const inputs = inputsOf(sources);
  const tags = [distribution.tag, commit, cascadeTag(commit, inputs)] as const;
  const [current, first, cascade] = await Promise.all([
    tryFindImage(images, tags[0]),
    tryFindImage(images, tags[1]),
    tryFindImage(images, tags[2]),
  ]);
  let existing: ExistingImage | undefined;
  for (const [tag, { image }] of [[tags[1], first] as const, [tags[2], cascade] as const]) {
    if (existing !== undefined || image?.labels === undefined) continue;
    if (!isBuiltFrom(image.labels, commit, inputs) || !(await hasAllLayers(image))) continue;
    existing = { tag, image: { ...image, labels: image.labels } };
  }
  const unreadable = [current, first, cascade].flatMap((found) => found.unreadable ?? []);
  return {
    current: current.image,
    first: first.image,
    existing,
    // One for one image, however many tags show it.
    findings: [...new Map(unreadable.map(({ digest, finding }) => [digest, finding])).values()],
  };
}
