import type { Digest } from '../image/digest.ts';
import { BlobCopier, planBlobs } from '../registry/blob-copier.ts';
import type { Repository } from '../registry/repository.ts';
import { contentOf } from '../util/content.ts';
import { mapPooled } from '../util/pool.ts';
import type { ReadyLayer } from './build-layers.ts';
import type { AssembledImage } from './image-assembly.ts';
import { layersOf } from './image-assembly.ts';

/** What a push moved, and what was there already. */
export interface PublishResult {
  readonly tag: string;
  /** Bytes. */
  readonly pushed: number;
  /** Bytes of layers that were not sent. */
  readonly reused: number;
}

/** Blobs on the way at once; more do not make registries faster. */
const BLOBS_AT_ONCE = 6;

/**
 * Pushes an image: blobs first, then manifests, the tag last, which is chosen only then, for the blobs may take minutes.
 * Of the layers only those are sent that the repository does not have and that cannot be mounted from where they are.
 */
export async function publishImage(
  image: AssembledImage,
  layers: readonly ReadyLayer[],
  base: Repository,
  target: Repository,
  chooseTag: () => Promise<string>,
): Promise<PublishResult> {
  const copier = new BlobCopier();
  const ready = new Map<Digest, ReadyLayer>(layers.map((layer) => [layer.descriptor.digest, layer]));
  let pushed = 0;
  let reused = 0;
  await mapPooled(planBlobs([...layersOf(image).values()]), BLOBS_AT_ONCE, async (descriptor) => {
    const layer = ready.get(descriptor.digest);
    const from = layer === undefined ? base : layer.from;
    if (from !== undefined && `${from}` === `${target}`) {
      // The plan has asked for it.
      reused += descriptor.size;
    } else if (from !== undefined) {
      const road = await copier.copy(descriptor, from, target);
      if (road === 'streamed') pushed += descriptor.size;
      else reused += descriptor.size;
    } else if (layer === undefined || (await target.hasBlob(descriptor.digest))) {
      reused += descriptor.size;
    } else {
      await target.putBlob(descriptor, layer.content);
      pushed += descriptor.size;
    }
  });
  for (const { config, manifest } of image.images) {
    if (!(await target.hasBlob(config.descriptor.digest))) {
      await target.putBlob(config.descriptor, contentOf(config.bytes));
      pushed += config.bytes.length;
    }
    if (manifest.digest !== image.top.digest) {
      await target.putManifest(manifest);
      pushed += manifest.bytes.length;
    }
  }
  const tag = await chooseTag();
  await target.putManifest(image.top, tag);
  return { tag, pushed: pushed + image.top.bytes.length, reused };
}
