import { ActionError } from '../errors.ts';
import type { Digest } from '../image/digest.ts';
import { isAttestation, parseManifest } from '../image/manifest.ts';
import type { Repository } from '../registry/repository.ts';

/** An image that was built, and every digest by which a node may call it. */
export interface BuiltImage {
  readonly digest: Digest;
  /**
   * The digest itself, those of an index's images (a node may report the one of its own platform), and those of their
   * configurations, which some runtimes report instead.
   */
  readonly known: ReadonlySet<Digest>;
}

/** Reads by which digests an image may be called; throws an ActionError when there is no such image. */
export async function readBuiltImage(repository: Repository, digest: Digest): Promise<BuiltImage> {
  const known = new Set([digest]);
  const read = async (one: Digest): Promise<void> => {
    const where = `${repository}@${one}`;
    const parsed = parseManifest(await repository.manifest(one), where);
    if (parsed.kind === 'image') known.add(parsed.config.digest);
    else {
      for (const child of parsed.manifests.filter((candidate) => !isAttestation(candidate))) {
        known.add(child.digest);
        await read(child.digest);
      }
    }
  };
  await read(digest);
  return { digest, known };
}

/** Returns what a tag points to now; throws an ActionError when it does not exist. */
export async function resolveTag(repository: Repository, tag: string): Promise<Digest> {
  const head = await repository.head(tag);
  if (head !== undefined) return head.digest;
  throw new ActionError('not-built', `${repository}:${tag} does not exist: build the distribution first.`);
}
