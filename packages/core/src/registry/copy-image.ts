import { ConfigurationError } from '../errors.ts';
import type { Digest } from '../image/digest.ts';
import { type Descriptor, parseManifest, platformsOf, type RawManifest } from '../image/manifest.ts';
import { isForeignLayer, isIndexType } from '../image/media-type.ts';
import { formatPlatform, type Platform } from '../image/platform.ts';
import type { Log } from '../util/log.ts';
import { mapPooled } from '../util/pool.ts';
import { type BlobCopier, planBlobs } from './blob-copier.ts';
import { selectPlatforms } from './platforms.ts';
import type { ManifestHead, Repository } from './repository.ts';

/** Manifests of one image that are read or written at once. */
const MANIFESTS_AT_ONCE = 8;

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
  const [looked, found] = await blobs.lookUp(() =>
    Promise.allSettled([lookUpSource(request, log), target.head(targetTag)]),
  );
  // What the source fails at is told first: without it, nobody asks what the target has.
  if (looked.status === 'rejected') throw looked.reason;
  if (found.status === 'rejected') throw found.reason;
  const [wanted, existing] = [looked.value, found.value];
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
  await putChildren(plan.children, target);
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

/** Puts the manifests that the top one names: images at once, then the indexes, of which one may name another. */
async function putChildren(children: readonly RawManifest[], target: Repository): Promise<void> {
  const [indexes, images] = [true, false].map((wanted) =>
    children.filter(({ mediaType }) => isIndexType(mediaType) === wanted),
  );
  await mapPooled(images ?? [], MANIFESTS_AT_ONCE, (image) => target.putManifest(image));
  for (const index of indexes ?? []) await target.putManifest(index);
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
  const plans = await mapPooled(parsed.manifests, MANIFESTS_AT_ONCE, ({ digest }) => {
    let plan = known.get(digest);
    if (plan === undefined) {
      plan = source.manifest(digest).then(async (child) => {
        const below = await planCopy(child, request, log, known);
        return { ...below, children: [...below.children, child] };
      });
      known.set(digest, plan);
    }
    return plan;
  });
  const children = new Map(plans.flatMap((plan) => plan.children.map((child) => [child.digest, child])));
  return {
    blobs: plans.flatMap(({ blobs }) => blobs),
    children: [...children.values()],
    platforms: [...platformsOf(parsed), ...plans.flatMap(({ platforms }) => platforms ?? [])],
  };
}
