import type { Distribution } from '../configuration/storage.ts';
import { ActionError, messageOf } from '../errors.ts';
import type { Digest } from '../image/digest.ts';
import { type Descriptor, type ImageManifest, isAttestation, parseManifest } from '../image/manifest.ts';
import type { Repository } from '../registry/repository.ts';
import { readAll } from '../util/content.ts';

/** Label of an image with the commit it was built from; https://github.com/opencontainers/image-spec/blob/v1.1.0/annotations.md. */
export const REVISION = 'org.opencontainers.image.revision';

/** Label of an image that we built with the distribution that it serves. */
export const DISTRIBUTION = 'dev.slipway.distribution';

/** Label of an image that we built with a word for each of its layers. */
export const LAYERS = 'dev.slipway.layers';

/** The image that a distribution's tag points to now. */
export interface PublishedImage {
  readonly digest: Digest;
  /** The commit it was built from; undefined when it does not say, or when its platforms say different ones. */
  readonly revision: string | undefined;
  /** Whether its labels are those of another image, so that what they say is not true of this one. */
  readonly isDerived: boolean;
}

/** An image's configuration is a few kilobytes. */
const LIMIT = 4 * 1024 * 1024;

/** Reads which commit the image of a distribution was built from; undefined when there is no such tag. */
export async function readPublishedImage(
  repository: Repository,
  { name, tag }: Pick<Distribution, 'name' | 'tag'>,
): Promise<PublishedImage | undefined> {
  const head = await repository.head(tag);
  if (head === undefined) return undefined;
  const origins = await readOrigins(repository, head.digest, name);
  const [revision, another] = new Set(origins.map((origin) => origin.revision));
  const isDerived = origins.some((origin) => origin.isDerived);
  return { digest: head.digest, revision: another === undefined && !isDerived ? revision : undefined, isDerived };
}

/** What the labels of one platform's image say, and whether they can be true; an empty revision is none. */
type Origin = Pick<PublishedImage, 'isDerived'> & { readonly revision: string };

/** Returns where the image of each platform comes from. */
async function readOrigins(repository: Repository, digest: Digest, distribution: string): Promise<Origin[]> {
  const where = `${repository}@${digest}`;
  const manifest = parseManifest(await repository.manifest(digest), where);
  if (manifest.kind === 'image') {
    const labels = await readLabels(repository, manifest.config, where);
    return [{ revision: labels.get(REVISION) ?? '', isDerived: isDerived(labels, manifest, distribution) }];
  }
  const children = manifest.manifests.filter((child) => !isAttestation(child));
  const origins: Origin[] = [];
  for (const child of children) origins.push(...(await readOrigins(repository, child.digest, distribution)));
  return origins;
}

/**
 * Says whether the labels of an image are those of another one: what is derived from our image inherits them, whatever its
 * own layers add or hide, and so does an image of ours under the tag of another distribution.
 */
function isDerived(labels: ReadonlyMap<string, string>, { layers }: ImageManifest, distribution: string): boolean {
  const counted = labels.get(LAYERS)?.split(' ').length;
  return (counted ?? layers.length) !== layers.length || (labels.get(DISTRIBUTION) ?? distribution) !== distribution;
}

async function readLabels(
  repository: Repository,
  config: Descriptor,
  where: string,
): Promise<ReadonlyMap<string, string>> {
  const bytes = await readAll(repository.blob(config).open(), LIMIT);
  try {
    const value = JSON.parse(bytes.toString('utf8')) as { config?: { Labels?: Record<string, unknown> } } | null;
    const labels = Object.entries(value?.config?.Labels ?? {});
    return new Map(labels.filter((label): label is [string, string] => typeof label[1] === 'string'));
  } catch (error) {
    throw new ActionError(
      'invalid-image',
      `${where}: the configuration is no JSON: ${messageOf(error)}. Build and push the image again.`,
      { cause: error },
    );
  }
}
