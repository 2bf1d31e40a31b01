import type { Digest } from '../image/digest.ts';
import type { Repository } from '../registry/repository.ts';
import { type BuildContext, type BuildSources, inputsOf, resolveSources } from './build-sources.ts';
import { cascadeTag, findRegression, type IsAncestor, isBuiltFrom } from './distribution-tags.ts';
import type { DistributionLabels } from './labels.ts';
import { tryFindImage } from './published-distribution.ts';

/**
 * Returns the tag to publish an image under: a commit's first image is called after it, any other one after what it is
 * made of, too. Asked just before the tag is written, for another build of the commit may have ended meanwhile. Without a
 * digest, which an image has that is still to be made, it counts as another one.
 */
export async function chooseTag(
  { branch: { commit } }: BuildContext,
  sources: BuildSources,
  images: Repository,
  digest: Digest | undefined,
): Promise<string> {
  const first = await images.head(commit);
  return first === undefined || first.digest === digest ? commit : cascadeTag(commit, inputsOf(sources));
}

/**
 * Returns why the distribution's tag must not move to an image, undefined when it may. Another build may have moved it
 * while this one worked, so this is asked last.
 *
 * Of two builds of one commit neither comes after the other; the one that began before its base or upstream images moved
 * has to stand back, however late it ends.
 */
export async function findSuperseded(
  context: BuildContext,
  sources: BuildSources,
  labels: Pick<DistributionLabels, 'distribution' | 'revision' | 'upstreams'>,
  { images, isAncestor }: { readonly images: Repository; readonly isAncestor: IsAncestor },
): Promise<string | undefined> {
  const { commit } = context.branch;
  const shown = (await tryFindImage(images, context.distribution.tag)).image?.labels;
  const regression = await findRegression(shown, labels, isAncestor);
  const inputs = inputsOf(sources);
  if (regression !== undefined || shown?.revision !== commit || isBuiltFrom(shown, commit, inputs)) return regression;
  const now = inputsOf(await resolveSources(context));
  if (cascadeTag(commit, now) === cascadeTag(commit, inputs)) return undefined;
  return 'its tag shows another image of the same commit, and the images that the Dockerfile names have changed since this build began';
}

/** Moves the distribution's tag; returns whether it had to be moved. */
export async function moveTag(
  tag: string,
  digest: Digest | undefined,
  { images, dryRun }: { readonly images: Repository; readonly dryRun: boolean },
): Promise<boolean> {
  if (digest === undefined || (await images.head(tag))?.digest === digest) return false;
  if (!dryRun) await images.putManifest(await images.manifest(digest), tag);
  return true;
}
