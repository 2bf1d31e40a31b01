import { ActionError, ConfigurationError, messageOf } from '../errors.ts';
import type { Digest } from '../image/digest.ts';
import { type Descriptor, type ImageManifest, isAttestation, parseManifest } from '../image/manifest.ts';
import type { Finding } from '../plugin/finding.ts';
import { RegistryError } from '../registry/registry.ts';
import type { Repository } from '../registry/repository.ts';
import { type ImageConfig, labelsOf, readImageConfig } from './image-config.ts';
import { type DistributionLabels, parseLabels } from './labels.ts';
import type { Layer } from './layer-blob.ts';

/** One platform of an image. */
export interface PlatformImage {
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
}

/** An image in a registry with all of its platforms that run on Linux. */
export interface PublishedDistribution {
  readonly repository: Repository;
  readonly digest: Digest;
  /** Whether it is an index. */
  readonly isIndex: boolean;
  /** At least one; linux/amd64 first when it is there. */
  readonly platforms: readonly [PlatformImage, ...PlatformImage[]];
  /** What it says of itself; undefined when it was not built by us. */
  readonly labels: DistributionLabels | undefined;
}

/** Reads the image that a tag or digest points to; undefined when there is none. */
async function findImage(repository: Repository, reference: string): Promise<PublishedDistribution | undefined> {
  const head = await repository.head(reference);
  return head === undefined ? undefined : readImage(repository, head.digest);
}

/** An image, or why one that is there cannot be read; neither where there is none. */
export interface FoundImage {
  readonly image?: PublishedDistribution;
  readonly unreadable?: { readonly digest: Digest; readonly finding: Finding };
}

/**
 * Reads an image that the next one takes the place of: one that is damaged, such as one whose configuration the registry
 * has lost, must not be what keeps it from being made again. Other failures are thrown.
 */
export async function tryFindImage(repository: Repository, reference: string): Promise<FoundImage> {
  const head = await repository.head(reference);
  if (head === undefined) return {};
  try {
    return { image: await readImage(repository, head.digest) };
  } catch (error) {
    if (!isDamage(error)) throw error;
    const message = `${repository}:${reference} (${head.digest}) cannot be read and counts as not there: ${messageOf(error)}`;
    const fix = 'A build puts another image in its place. Find out what the registry has lost, and why.';
    const finding: Finding = {
      file: '',
      line: 1,
      column: 1,
      rule: 'image-unreadable',
      severity: 'warning',
      message,
      fix,
    };
    return { unreadable: { digest: head.digest, finding } };
  }
}

/** Codes of errors that reading the same image again gives again. */
const DAMAGE = new Set([
  'digest-mismatch',
  'invalid-image',
  'invalid-manifest',
  'manifest-too-large',
  'platform-missing',
  'size-mismatch',
  'unsupported-manifest',
]);

/** Says whether an image is at fault, and not the way to it: a part of it is lost, or is not what it should be. */
function isDamage(error: unknown): boolean {
  if (error instanceof RegistryError) return error.status === 404;
  return (error instanceof ActionError || error instanceof ConfigurationError) && DAMAGE.has(error.code);
}

/** Reads an image that has to be there; throws a ConfigurationError that says who needs it. */
export async function needImage(
  repository: Repository,
  reference: string,
  who: string,
): Promise<PublishedDistribution> {
  const image = await findImage(repository, reference);
  if (image !== undefined) return image;
  throw new ConfigurationError(
    'image-missing',
    `${who}: the image ${repository}:${reference} does not exist. Build or push it first, or correct its name.`,
  );
}

async function readImage(repository: Repository, digest: Digest): Promise<PublishedDistribution> {
  const where = `${repository}@${digest}`;
  const top = parseManifest(await repository.manifest(digest), where);
  const manifests = top.kind === 'image' ? [top] : await readChildren(repository, top.manifests, where);
  const platforms: PlatformImage[] = [];
  for (const manifest of manifests) {
    const config = await readImageConfig(repository, manifest.config);
    if (config.diffIds.length !== manifest.layers.length) {
      throw new ActionError('invalid-image', `${where}: manifest and configuration name different numbers of layers.`);
    }
    if (config.platform.os === 'linux') platforms.push({ manifest, config });
  }
  const [first, ...others] = platforms.sort((a, b) => rank(a) - rank(b));
  if (first === undefined) {
    throw new ConfigurationError('platform-missing', `${where} has no platform that runs on Linux.`);
  }
  return {
    repository,
    digest,
    isIndex: top.kind === 'index',
    platforms: [first, ...others],
    labels: ownLabels(first),
  };
}

/** An image derived from ours inherits its labels, which say nothing of the layers that were added to it. */
function ownLabels({ manifest, config }: PlatformImage): DistributionLabels | undefined {
  const labels = parseLabels(labelsOf(config));
  return labels?.layers.length === manifest.layers.length ? labels : undefined;
}

async function readChildren(
  repository: Repository,
  descriptors: readonly Descriptor[],
  where: string,
): Promise<ImageManifest[]> {
  const manifests: ImageManifest[] = [];
  for (const descriptor of descriptors) {
    if (isAttestation(descriptor)) continue;
    const child = parseManifest(await repository.manifest(descriptor.digest), where);
    if (child.kind === 'image') manifests.push(child);
  }
  return manifests;
}

/** Equal images must be looked at in one order, wherever they stand in their index. */
function rank({ config: { platform } }: PlatformImage): number {
  return platform.architecture === 'amd64' ? 0 : 1;
}

/** A layer of packages in an image, and what it is known by. */
export interface PackageLayer extends Layer {
  readonly distribution: string;
  readonly key: string;
}

/** Returns the layers of packages of an image that we built, the lowest first; none of an image that we did not. */
export function packageLayersOf({ labels, platforms }: PublishedDistribution): PackageLayer[] {
  const [{ manifest, config }] = platforms;
  if (labels === undefined) return [];
  return labels.layers.flatMap((label, index) => {
    const descriptor = manifest.layers[index];
    const diffId = config.diffIds[index];
    if (typeof label === 'string' || descriptor === undefined || diffId === undefined) return [];
    return [{ ...label, descriptor, diffId, plain: labels.plain?.[index], compressor: labels.compressors?.[index] }];
  });
}
