import { ConfigurationError } from '../errors.ts';
import { type Digest, digestOf, splitDigest } from '../image/digest.ts';
import type { RawManifest } from '../image/manifest.ts';
import { formatPlatform, type Platform } from '../image/platform.ts';
import type { Log } from '../util/log.ts';
import type { BlobCopier } from './blob-copier.ts';
import { copyContent, outlineImage, planCopy, putManifest } from './copy-plan.ts';
import { ReferrerCopy } from './copy-referrers.ts';
import { selectPlatforms } from './platforms.ts';
import type { ManifestHead, Repository } from './repository.ts';

export interface CopyRequest {
  readonly source: Repository;
  /** Tag or digest in the source repository. */
  readonly sourceReference: string;
  readonly target: Repository;
  readonly targetTag: string;
  /** Only these; empty for all. */
  readonly platforms: readonly Platform[];
  /** Whether a tag that exists with another digest may be moved. */
  readonly overwrite: boolean;
  /** Whether signatures, attestations and whatever else refers to the image come with it. */
  readonly referrers?: boolean;
  /** Only look and decide, write nothing. */
  readonly dryRun: boolean;
}

export interface CopyResult {
  readonly result: 'copied' | 'skipped';
  readonly digest: string;
  /** Platforms of the image; undefined when nobody had to look. */
  readonly platforms: readonly string[] | undefined;
  /** Bytes that were moved. */
  readonly copied: number;
  /** How many manifests that refer to the image were copied, or would be. */
  readonly referrers: number;
}

/**
 * Copies an image from one repository to another by digest, byte for byte; the tag is written last.
 *
 * Nothing to do costs one HEAD on each side, as long as no referrers are wanted. Until the tag is written the target shows
 * nothing: whoever is killed in between leaves blobs that the next run finds and no image that is half there, nor one
 * without its signatures.
 */
export async function copyImage(request: CopyRequest, blobs: BlobCopier, log: Log): Promise<CopyResult> {
  const { source, target, targetTag, dryRun } = request;
  const [looked, found] = await blobs.lookUp(() =>
    Promise.allSettled([lookUpSource(request, log), target.head(targetTag, { push: !dryRun })]),
  );
  // What the source fails at is told first: without it, nobody asks what the target has.
  if (looked.status === 'rejected') throw looked.reason;
  if (found.status === 'rejected') throw found.reason;
  const [wanted, existing] = [looked.value, found.value];
  const { digest } = wanted;
  const isThere = existing !== undefined && (await isNamed(existing.digest, wanted, source));
  if (isThere && request.referrers !== true) {
    return { result: 'skipped', digest, platforms: wanted.platforms, copied: 0, referrers: 0 };
  }
  if (!isThere) refuseOverwrite(existing, digest, request);
  const manifest = wanted.manifest ?? (await source.manifest(digest));
  if (isThere) {
    const { digests, platforms } = await outlineImage(manifest, source);
    const attached = await findAttached(digests, request, log);
    const { count, bytes } = await attached.copy(blobs);
    const result = count > 0 ? 'copied' : 'skipped';
    return { result, digest, platforms, copied: bytes, referrers: count };
  }
  const plan = await planCopy(manifest, source, log);
  const subjects = [plan.manifest, ...plan.children].map((one) => one.digest);
  const attached = await findAttached(subjects, request, log);
  if (dryRun) {
    return { result: 'copied', digest, platforms: plan.platforms, copied: 0, referrers: attached.count };
  }
  let copied = await copyContent(plan, source, target, blobs);
  let referrers = 0;
  if (request.referrers === true) {
    // Under its digest only: what refers to an image needs it there, and nobody finds it without its signatures.
    await putManifest(plan, manifest, target);
    await attached.look();
    const { count, bytes } = await attached.copy(blobs);
    referrers = count;
    copied += bytes;
  }
  // A copy may take an hour, and a registry has no "only if it is still absent".
  const meanwhile = await target.head(targetTag, { push: true });
  if (meanwhile !== undefined && !(await isNamed(meanwhile.digest, { digest, manifest }, source))) {
    refuseOverwrite(meanwhile, digest, request);
  }
  await putManifest(plan, manifest, target, targetTag);
  return { result: 'copied', digest, platforms: plan.platforms, copied, referrers };
}

async function findAttached(subjects: readonly Digest[], request: CopyRequest, log: Log): Promise<ReferrerCopy> {
  const { source, target, overwrite, dryRun } = request;
  const copy = new ReferrerCopy({ source, target, subjects, overwrite, dryRun }, log);
  if (request.referrers === true) await copy.look();
  return copy;
}

/** A tag that exists with other content is never moved, unless a person asked for it. */
function refuseOverwrite(existing: ManifestHead | undefined, digest: Digest, request: CopyRequest): void {
  const { source, sourceReference, target, targetTag, overwrite } = request;
  if (existing === undefined || overwrite) return;
  throw new ConfigurationError(
    'tag-exists',
    `${target}:${targetTag} exists with the digest ${existing.digest}, but ${source}:${sourceReference} has ${digest}. ` +
      'A released image is never replaced: bump the version, or run by dispatch with `overwrite: true` and a reason.',
  );
}

/** Says whether `digest` names what is wanted: under a tag, registries name it by sha256, whatever it was asked for by. */
async function isNamed(digest: Digest, wanted: Wanted, source: Repository): Promise<boolean> {
  const { algorithm } = splitDigest(digest);
  if (algorithm === splitDigest(wanted.digest).algorithm) return digest === wanted.digest;
  const { bytes } = wanted.manifest ?? (await source.manifest(wanted.digest));
  return digestOf(bytes, algorithm) === digest;
}

interface Wanted {
  readonly digest: string;
  readonly manifest?: RawManifest;
  readonly platforms?: readonly string[];
}

/** Finds out what the target shall show: the source's own digest, or that of an index with fewer platforms. */
async function lookUpSource(request: CopyRequest, log: Log): Promise<Wanted> {
  const { source, sourceReference, platforms } = request;
  const label = `${source}:${sourceReference}`;
  const head = await source.head(sourceReference);
  if (head === undefined) {
    throw new ConfigurationError(
      'image-missing',
      `${label} does not exist. Push it, or correct its name and tag, then run again.`,
    );
  }
  if (platforms.length === 0) return { digest: head.digest };
  const full = await source.manifest(head.digest);
  const manifest = await selectPlatforms(source, full, platforms, label);
  if (manifest.digest !== full.digest) {
    log.info(
      `${label}: only ${platforms.map(formatPlatform).join(', ')} wanted, ` +
        `so a new index is written: ${manifest.digest} instead of ${full.digest}.` +
        `${request.referrers === true ? ' What refers to the old one, such as its signature, is left out.' : ''}`,
    );
  }
  return { digest: manifest.digest, manifest };
}
