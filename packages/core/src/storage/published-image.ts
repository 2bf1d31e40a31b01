import { ActionError, messageOf } from '../errors.ts';
import type { Digest } from '../image/digest.ts';
import { type Descriptor, isAttestation, parseManifest } from '../image/manifest.ts';
import type { Repository } from '../registry/repository.ts';
import { readAll } from '../util/content.ts';

/** Label of an image with the commit it was built from; https://github.com/opencontainers/image-spec/blob/v1.1.0/annotations.md. */
export const REVISION = 'org.opencontainers.image.revision';

/** The image that a distribution's tag points to now. */
export interface PublishedImage {
  readonly digest: Digest;
  /** The commit it was built from; undefined when it does not say, or when its platforms say different ones. */
  readonly revision: string | undefined;
}

/** An image's configuration is a few kilobytes. */
const LIMIT = 4 * 1024 * 1024;

/** Reads which commit the image of a distribution was built from; undefined when there is no such tag. */
export async function readPublishedImage(repository: Repository, tag: string): Promise<PublishedImage | undefined> {
  const head = await repository.head(tag);
  if (head === undefined) return undefined;
  const revisions = await readRevisions(repository, head.digest);
  const [revision, another] = new Set(revisions);
  return { digest: head.digest, revision: another === undefined ? revision : undefined };
}

/** Returns the revision of each platform of an image, the empty text for one that has none. */
async function readRevisions(repository: Repository, digest: Digest): Promise<string[]> {
  const where = `${repository}@${digest}`;
  const manifest = parseManifest(await repository.manifest(digest), where);
  if (manifest.kind === 'image') return [await readRevision(repository, manifest.config, where)];
  const children = manifest.manifests.filter((child) => !isAttestation(child));
  const revisions: string[] = [];
  for (const child of children) revisions.push(...(await readRevisions(repository, child.digest)));
  return revisions;
}

async function readRevision(repository: Repository, config: Descriptor, where: string): Promise<string> {
  const bytes = await readAll(repository.blob(config).open(), LIMIT);
  try {
    const value = JSON.parse(bytes.toString('utf8')) as { config?: { Labels?: Record<string, unknown> } } | null;
    const revision = value?.config?.Labels?.[REVISION];
    return typeof revision === 'string' ? revision : '';
  } catch (error) {
    throw new ActionError(
      'invalid-image',
      `${where}: the configuration is no JSON: ${messageOf(error)}. Build and push the image again.`,
      { cause: error },
    );
  }
}
