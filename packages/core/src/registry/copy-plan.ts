import { ActionError } from '../errors.ts';
import type { Digest } from '../image/digest.ts';
import { type Descriptor, parseManifest, platformsOf, type RawManifest } from '../image/manifest.ts';
import { isForeignLayer, isIndexType } from '../image/media-type.ts';
import type { Log } from '../util/log.ts';
import { mapPooled } from '../util/pool.ts';
import { type BlobCopier, planBlobs } from './blob-copier.ts';
import { RegistryError } from './registry.ts';
import type { Repository } from './repository.ts';

/** Manifests of one image that are read or written at once. */
const MANIFESTS_AT_ONCE = 8;

/** What an image, or anything else that has a manifest, consists of. */
interface CopyPlan {
  readonly manifest: RawManifest;
  readonly blobs: readonly Descriptor[];
  /** Manifests that the top one names, children before their parents. */
  readonly children: readonly RawManifest[];
  /** Undefined for an image without an index: only its configuration says it, and nobody needs to read that. */
  readonly platforms: readonly string[] | undefined;
  /** Layers that are served elsewhere and may not be copied. */
  readonly leftOut: readonly Descriptor[];
}

/** Lists what a manifest stands for. An index may name the same manifest many times; it is read once. */
export async function planCopy(
  manifest: RawManifest,
  source: Repository,
  log: Log,
  known = new Map<Digest, Promise<CopyPlan>>(),
): Promise<CopyPlan> {
  const label = `${source}@${manifest.digest}`;
  const parsed = parseManifest(manifest, label);
  if (parsed.kind === 'image') {
    const all = [parsed.config, ...parsed.layers];
    // A licence may forbid to copy them; engines fetch them from their addresses. One without an address is served here.
    const leftOut = all.filter(({ mediaType, urls }) => isForeignLayer(mediaType) && urls !== undefined);
    for (const { digest, urls } of leftOut) {
      log.info(`${label}: the layer ${digest} may not be distributed; left out, engines fetch it from ${urls?.[0]}.`);
    }
    const blobs = all.filter((blob) => !leftOut.includes(blob));
    return { manifest, blobs, children: [], platforms: undefined, leftOut };
  }
  const plans = await mapPooled(parsed.manifests, MANIFESTS_AT_ONCE, ({ digest }) => {
    let plan = known.get(digest);
    if (plan === undefined) {
      plan = source.manifest(digest).then((child) => planCopy(child, source, log, known));
      known.set(digest, plan);
    }
    return plan;
  });
  const children = new Map(
    plans.flatMap((plan) => [...plan.children, plan.manifest].map((child) => [child.digest, child])),
  );
  return {
    manifest,
    blobs: plans.flatMap(({ blobs }) => blobs),
    children: [...children.values()],
    platforms: [...platformsOf(parsed), ...plans.flatMap(({ platforms }) => platforms ?? [])],
    leftOut: plans.flatMap(({ leftOut }) => leftOut),
  };
}

/**
 * Lists the manifests that an image consists of, its own first, and its platforms, from the descriptors alone: what is there
 * needs no look into each of its images.
 */
export async function outlineImage(
  manifest: RawManifest,
  source: Repository,
  seen = new Set<Digest>(),
): Promise<{ readonly digests: readonly Digest[]; readonly platforms: readonly string[] | undefined }> {
  seen.add(manifest.digest);
  const parsed = parseManifest(manifest, `${source}@${manifest.digest}`);
  if (parsed.kind === 'image') return { digests: [...seen], platforms: undefined };
  const platforms = platformsOf(parsed);
  for (const { digest, mediaType } of parsed.manifests) {
    if (seen.has(digest)) continue;
    seen.add(digest);
    if (!isIndexType(mediaType)) continue;
    platforms.push(...((await outlineImage(await source.manifest(digest), source, seen)).platforms ?? []));
  }
  return { digests: [...seen], platforms };
}

/** Brings everything over that stands below a plan's manifest; returns the bytes that were moved. */
export async function copyContent(
  plan: CopyPlan,
  source: Repository,
  target: Repository,
  blobs: BlobCopier,
): Promise<number> {
  const moved = await copyBlobs(plan.blobs, source, target, blobs);
  const [indexes, images] = [true, false].map((wanted) =>
    plan.children.filter(({ mediaType }) => isIndexType(mediaType) === wanted),
  );
  // Images at once, then the indexes, of which one may name another.
  await mapPooled(images ?? [], MANIFESTS_AT_ONCE, (image) => putManifest(plan, image, target));
  for (const index of indexes ?? []) await putManifest(plan, index, target);
  return moved;
}

/** Puts one of a plan's manifests; a refusal because of a layer that was left out says so. */
export async function putManifest(
  plan: CopyPlan,
  manifest: RawManifest,
  target: Repository,
  reference?: string,
): Promise<void> {
  try {
    await target.putManifest(manifest, reference);
  } catch (error) {
    const [layer] = plan.leftOut;
    // docker-registry 2.8 gives the right reason with the status 500.
    const refused =
      error instanceof RegistryError && (error.status === 400 || error.registryCodes.includes('MANIFEST_BLOB_UNKNOWN'));
    if (layer === undefined || !refused) throw error;
    throw new ActionError(
      'foreign-layer-refused',
      `${error.message} The layer ${layer.digest} may not be distributed and was left out, and ${target.registry.name} takes no ` +
        `manifest with such a layer. Allow its address ${layer.urls?.[0]} there (docker-registry: ` +
        '`validation.manifests.urls.allow`), or build the image on a base without such layers.',
      { cause: error },
    );
  }
}

/** Throws the first failure when everything has ended: what did arrive is there for the next run. */
async function copyBlobs(
  wanted: readonly Descriptor[],
  source: Repository,
  target: Repository,
  blobs: BlobCopier,
): Promise<number> {
  const copies = planBlobs(wanted).map(async (blob) => {
    const road = await blobs.copy(blob, source, target);
    return road === 'streamed' ? blob.size : 0;
  });
  const ended = await Promise.allSettled(copies);
  const failure = ended.find(({ status }) => status === 'rejected');
  if (failure?.status === 'rejected') throw failure.reason;
  return ended.reduce((sum, copy) => sum + (copy.status === 'fulfilled' ? copy.value : 0), 0);
}
