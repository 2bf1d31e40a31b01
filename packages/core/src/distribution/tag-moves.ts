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

/** An image that a distribution's tag may move to. */
export interface Candidate {
  /** Undefined when a dry run would have to build it. */
  readonly digest: Digest | undefined;
  readonly labels: Pick<DistributionLabels, 'distribution' | 'revision' | 'upstreams'>;
}

export interface MoveOptions {
  readonly images: Repository;
  readonly isAncestor: IsAncestor;
  /** Says whether the commit is what the branch shows. */
  readonly isHead: () => Promise<boolean>;
  /** The tag stays where it is, whatever is found out. */
  readonly keepTag: boolean;
}

/** Whether a tag was moved, or would have been by a dry run, and why it must not be. */
export interface Move {
  readonly moved: boolean;
  readonly superseded: string | undefined;
}

/**
 * Moves the distribution's tag to an image unless it must stay. Another build may have moved it while this one worked, so
 * this is asked last, and again when the tag was moved meanwhile: registries know no comparison with what is there.
 */
export async function moveTag(
  context: BuildContext,
  sources: BuildSources,
  { digest, labels }: Candidate,
  options: MoveOptions & { readonly dryRun: boolean },
): Promise<Move> {
  const { images } = options;
  const { tag } = context.distribution;
  for (;;) {
    const found = await tryFindImage(images, tag);
    const judged = found.image?.digest ?? found.unreadable?.digest;
    const superseded = await findSuperseded(context, sources, labels, found.image?.labels, options);
    if (superseded !== undefined || digest === undefined || judged === digest || options.keepTag)
      return { moved: false, superseded };
    const manifest = await images.manifest(digest);
    if ((await images.head(tag))?.digest !== judged) continue;
    if (!options.dryRun) await images.putManifest(manifest, tag);
    return { moved: true, superseded };
  }
}

/**
 * Returns why the distribution's tag must not move to an image, undefined when it may.
 *
 * Of two builds of one commit neither comes after the other; the one that began before its base or upstream images moved
 * has to stand back, however late it ends.
 */
async function findSuperseded(
  context: BuildContext,
  sources: BuildSources,
  labels: Candidate['labels'],
  shown: DistributionLabels | undefined,
  { isAncestor, isHead }: Pick<MoveOptions, 'isAncestor' | 'isHead'>,
): Promise<string | undefined> {
  const { commit } = context.branch;
  const regression = await findRegression(shown, labels, isAncestor, isHead);
  const inputs = inputsOf(sources);
  if (regression !== undefined || shown?.revision !== commit || isBuiltFrom(shown, commit, inputs)) return regression;
  const now = inputsOf(await resolveSources(context));
  if (cascadeTag(commit, now) === cascadeTag(commit, inputs)) return undefined;
  return 'its tag shows another image of the same commit, and the images that the Dockerfile names have changed since this build began';
}
