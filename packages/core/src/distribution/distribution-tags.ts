import { ConfigurationError } from '../errors.ts';
import type { Digest } from '../image/digest.ts';
import { sha256 } from '../util/content.ts';
import type { DistributionLabels, UpstreamLabel } from './labels.ts';

/** What an image is made of besides its commit. */
export interface BuildInputs {
  readonly base: Digest;
  readonly upstreams: readonly Pick<UpstreamLabel, 'name' | 'digest'>[];
}

/**
 * Returns the tag of a later build of the same commit: it differs by its upstream and base images alone, so it is called
 * after them.
 */
export function cascadeTag(commit: string, { base, upstreams }: BuildInputs): string {
  const lines = [`base ${base}\n`, ...upstreams.map(({ name, digest }) => `${name} ${digest}\n`).sort()];
  return `${commit}-${sha256(lines.join('')).slice(0, 12)}`;
}

/** Says whether an image that exists was built from the same commit, base and upstreams. */
export function isBuiltFrom(labels: DistributionLabels | undefined, commit: string, inputs: BuildInputs): boolean {
  if (labels === undefined || labels.revision !== commit) return false;
  const known = { base: labels.base.digest, upstreams: labels.upstreams };
  return cascadeTag(commit, known) === cascadeTag(commit, inputs);
}

/** Says whether one commit is another, or comes after it. */
export type IsAncestor = (ancestor: string, descendant: string) => Promise<boolean>;

/**
 * Returns why a distribution's tag must stay where it is, undefined when it may move: it moves forward only, and with it
 * the upstreams that the image contains. An image that we did not build says nothing of its commit and holds nobody back.
 * Throws a ConfigurationError for a tag that shows another distribution, whose rollouts it would change, and for a branch
 * that was written anew: no image of it would ever come after the one that is shown.
 *
 * @param isHead says whether the next commit is what the branch shows
 */
export async function findRegression(
  current: DistributionLabels | undefined,
  next: Pick<DistributionLabels, 'distribution' | 'revision' | 'upstreams'>,
  isAncestor: IsAncestor,
  isHead: () => Promise<boolean> = async () => false,
): Promise<string | undefined> {
  if (current === undefined) return undefined;
  if (current.distribution !== next.distribution) {
    throw new ConfigurationError(
      'foreign-tag',
      `The tag of '${next.distribution}' shows an image of the distribution '${current.distribution}', built from ${current.revision}. ` +
        `Give each a tag of its own: storage.distributions.${next.distribution}.tag. If there is no '${current.distribution}' any more, delete the tag.`,
    );
  }
  if (!(await isAncestor(current.revision, next.revision))) {
    if (!(await isAncestor(next.revision, current.revision)) && (await isHead())) throw diverged(current, next);
    return `its tag shows the commit ${current.revision}, and ${next.revision} does not come after it`;
  }
  for (const { name, revision } of current.upstreams) {
    const upstream = next.upstreams.find((other) => other.name === name);
    if (revision === undefined || upstream?.revision === undefined) continue;
    if (await isAncestor(revision, upstream.revision)) continue;
    return `its tag contains ${name} at the commit ${revision}, and ${upstream.revision} does not come after it`;
  }
  return undefined;
}

function diverged(
  current: Pick<DistributionLabels, 'revision'>,
  { distribution, revision }: Pick<DistributionLabels, 'distribution' | 'revision'>,
): ConfigurationError {
  return new ConfigurationError(
    'diverged-tag',
    `The tag of '${distribution}' shows an image of the commit ${current.revision}, which is not on the branch any more: its head ${revision} does not come after it. ` +
      `Was the branch written anew? Merge ${current.revision} into it, so that nothing is lost; or, if that is meant, delete the tag of '${distribution}' in the registry and run again.`,
  );
}
