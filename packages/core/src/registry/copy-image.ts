import { ConfigurationError } from '../errors.ts';
import type { Digest } from '../image/digest.ts';
import { type Descriptor, parseManifest, platformsOf, type RawManifest } from '../image/manifest.ts';
import { isForeignLayer } from '../image/media-type.ts';
import { formatPlatform, type Platform } from '../image/platform.ts';
import type { Log } from '../util/log.ts';
import { type BlobCopier, planBlobs } from './blob-copier.ts';
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
}

/**
 * Copies an image from one repository to another by digest, byte for byte; the tag is written last.
 *
 * Nothing to do costs one HEAD on each side. Until the tag is written the target shows nothing: whoever is killed in
 * between leaves blobs that the next run finds and no image that is half there.
 */
export async function copyImage(request: CopyRequest, blobs: BlobCopier, log: Log): Promise<CopyResult> {
  const { source, target, targetTag } = request;
  const wanted = await lookUpSource(request, log);
  const existing = await target.head(targetTag);
  if (existing?.digest === wanted.digest) {
    return { result: 'skipped', digest: wanted.digest, platforms: wanted.platforms, copied: 0 };
  }
  refuseOverwrite(existing, wanted.digest, request);
  const manifest = wanted.manifest ?? (await source.manifest(wanted.digest));
  const plan = await planCopy(manifest, request, log);
  if (request.dryRun) {
    return { result: 'copied', digest: manifest.digest, platforms: plan.platforms, copied: 0 };
  }
  const copied = await copyBlobs(plan.blobs, request, blobs);
  for (const child of plan.children) await target.putManifest(child);
  // A copy may take an hour, and a registry has no "only if it is still absent".
  refuseOverwrite(await target.head(targetTag), wanted.digest, request);
  await target.putManifest(manifest, targetTag);
  return {
    result: 'copied',
    digest: manifest.digest,
    platforms: plan.platforms,
    copied,
  };
}

/** A tag that exists with other content is never moved, unless a person asked for it. */
function refuseOverwrite(existing: ManifestHead | undefined, digest: Digest, request: CopyRequest): void {
  const { source, sourceReference, target, targetTag, overwrite } = request;
  if (existing === undefined || existing.digest === digest || overwrite) return;
  throw new ConfigurationError(
    'tag-exists',
    `${target}:${targetTag} exists with the digest ${existing.digest}, but ${source}:${sourceReference} has ${digest}. ` +
      'A released image is never replaced: bump the version, or run by dispatch with `overwrite: true` and a reason.',
  );
}

/**
 * Brings all blobs over and returns the bytes that were moved; throws the first failure when everything has ended: what
 * did arrive is there for the next run.
 */
async function copyBlobs(wanted: readonly Descriptor[], request: CopyRequest, blobs: BlobCopier): Promise<number> {
  const copies = planBlobs(wanted).map(async (blob) => {
    const road = await blobs.copy(blob, request.source, request.target);
    return road === 'streamed' ? blob.size : 0;
  });
  const ended = await Promise.allSettled(copies);
  const failure = ended.find(({ status }) => status === 'rejected');
  if (failure?.status === 'rejected') throw failure.reason;
  return ended.reduce((sum, copy) => sum + (copy.status === 'fulfilled' ? copy.value : 0), 0);
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
        `so a new index is written: ${manifest.digest} instead of ${full.digest}.`,
    );
  }
  return { digest: manifest.digest, manifest };
}

interface CopyPlan {
  readonly blobs: readonly Descriptor[];
  /** Manifests that the top one names, children before their parents. */
  readonly children: readonly RawManifest[];
  /** Undefined for an image without an index: only its configuration says it, and nobody needs to read that. */
  readonly platforms: readonly string[] | undefined;
}

/** Lists what an image consists of. An index may name the same manifest many times; it is read once. */
async function planCopy(
  manifest: RawManifest,
  request: CopyRequest,
  log: Log,
  known = new Map<Digest, Promise<CopyPlan>>(),
): Promise<CopyPlan> {
  const { source } = request;
  const label = `${source}@${manifest.digest}`;
  const parsed = parseManifest(manifest, label);
  if (parsed.kind === 'image') {
    const blobs = [parsed.config, ...parsed.layers].filter((blob) => {
      if (isForeignLayer(blob.mediaType))
        log.info(`${label}: the layer ${blob.digest} may not be distributed; left out.`);
      return !isForeignLayer(blob.mediaType);
    });
    return { blobs, children: [], platforms: undefined };
  }
  const plans: CopyPlan[] = [];
  for (const { digest } of parsed.manifests) {
    let plan = known.get(digest);
    if (plan === undefined) {
      plan = source.manifest(digest).then(async (child) => {
        const below = await planCopy(child, request, log, known);
        return { ...below, children: [...below.children, child] };
      });
      known.set(digest, plan);
    }
    plans.push(await plan);
  }
  const children = new Map(plans.flatMap((plan) => plan.children.map((child) => [child.digest, child])));
  return {
    blobs: plans.flatMap(({ blobs }) => blobs),
    children: [...children.values()],
    platforms: [...platformsOf(parsed), ...plans.flatMap(({ platforms }) => platforms ?? [])],
  };
}
