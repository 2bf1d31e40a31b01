import type { Distribution } from '../configuration/storage.ts';
import { isAncestor } from '../github/ancestry.ts';
import type { Digest } from '../image/digest.ts';
import type { Repository } from '../registry/repository.ts';
import { formatPackageVersion, type PackageTree, type PackageVersion } from './package-version.ts';
import { findTree, type Packages, readPackages } from './packages.ts';
import type { Heads } from './proposal.ts';
import { type PublishedImage, readPublishedImage } from './published-image.ts';
import type { StorageRepository } from './storage-repository.ts';

/** A distribution further along, in the state in which it may or may not stand in for what is removed before it. */
export interface Holder {
  readonly name: string;
  /** The moving tag of its image. */
  readonly tag: string;
  /** What the head of its branch holds; undefined when there is no such branch. */
  readonly packages: Packages | undefined;
  /** What its tag pointed to; undefined when there was no such tag, or nobody looked. */
  readonly digest: Digest | undefined;
  readonly image: ImageState;
}

/**
 * What is known to be in the published image of a distribution: the packages of the commit it was built from, when that is
 * the head of the branch or a later one; else why it proves nothing.
 */
type ImageState = { readonly name: string; readonly packages: Packages } | { readonly gap: string };

/** Reads the state of distributions, at these heads, as far as it matters for the packages of these names. */
export function readHolders(
  storage: StorageRepository,
  distributions: readonly Distribution[],
  heads: Heads,
  names: readonly string[],
  images: Repository,
): Promise<readonly Holder[]> {
  return Promise.all(
    distributions.map((distribution) => readHolder(storage, distribution, heads.get(distribution.name), names, images)),
  );
}

async function readHolder(
  storage: StorageRepository,
  distribution: Distribution,
  head: string | undefined,
  names: readonly string[],
  images: Repository,
): Promise<Holder> {
  const { name, tag } = distribution;
  if (head === undefined) {
    return { name, tag, packages: undefined, digest: undefined, image: { gap: `there is no branch '${name}'` } };
  }
  const packages = await readPackages(storage.trees, head, names);
  const published = await readPublishedImage(images, distribution);
  const image = await readImage(storage, head, names, `${images}:${tag}`, published);
  return { name, tag, packages, digest: published?.digest, image };
}

async function readImage(
  { github, name, trees }: StorageRepository,
  head: string,
  names: readonly string[],
  reference: string,
  published: PublishedImage | undefined,
): Promise<ImageState> {
  if (published === undefined) return { gap: `there is no image ${reference} yet` };
  const { digest, revision = '', isDerived } = published;
  const label = `the image ${reference} (${digest})`;
  if (isDerived) return { gap: `${label} was made of another image and has its labels, so they prove nothing` };
  if (!/^[0-9a-f]{40}$/.test(revision)) return { gap: `${label} does not say which commit it was built from` };
  if (revision !== head && !(await isAncestor(github, name, head, revision))) {
    return { gap: `${label} was built from ${revision}, which is not the head ${head} of the branch or later` };
  }
  return { name: `${label}, built from ${revision},`, packages: await readPackages(trees, revision, names) };
}

/** What may be done about the removal of a package version. */
export interface Judgement {
  /** `waiting`: it is held, bit for bit, but no published image has it yet. */
  readonly verdict: 'removable' | 'waiting' | 'refused';
  /** Why it must not be removed now; empty when it may. */
  readonly reason: string;
}

/**
 * Judges the removal of a package version: it is removable when some distribution further along holds the very same tree,
 * and publishes it.
 */
export function judgeRemoval(version: PackageTree, holders: readonly Holder[]): Judgement {
  const judgements = holders.map((holder) => judgeHolder(version, holder));
  if (judgements.some(({ verdict }) => verdict === 'removable')) return { verdict: 'removable', reason: '' };
  const label = formatPackageVersion(version);
  const reasons = judgements.map(({ reason }) => reason).join('; ');
  return {
    verdict: judgements.some(({ verdict }) => verdict === 'waiting') ? 'waiting' : 'refused',
    reason: `${label} would disappear: ${reasons || 'no distribution is further along that could hold it'}.`,
  };
}

function judgeHolder(version: PackageTree, { name, packages, image }: Holder): Judgement {
  const tree = packages && findTree(packages, version);
  if (tree === undefined) return { verdict: 'refused', reason: `'${name}' does not hold it` };
  if (tree !== version.tree) {
    const reason = `'${name}' holds other content, the tree ${tree} instead of ${version.tree}`;
    return { verdict: 'refused', reason };
  }
  if ('gap' in image) return { verdict: 'waiting', reason: `'${name}' holds it, but ${image.gap}` };
  // A later commit may have taken away again what the head holds.
  if (findTree(image.packages, version) === version.tree) return { verdict: 'removable', reason: '' };
  return { verdict: 'waiting', reason: `'${name}' holds it, but ${image.name} has other content` };
}

/** Says whether any of the distributions holds the version, whatever its content. */
export function isHeldSomewhere(version: PackageVersion, holders: readonly Holder[]): boolean {
  return holders.some(({ packages }) => packages !== undefined && findTree(packages, version) !== undefined);
}
