import type { Runtime } from '@slipway/core/action/action';
import { loadConfiguration } from '@slipway/core/action/configuration';
import { checkOverwrite } from '@slipway/core/action/overwrite';
import { openRegistries, pluginSide } from '@slipway/core/action/registry-access';
import type { Configuration } from '@slipway/core/configuration/configuration';
import { ConfigurationError, codeOf, messageOf } from '@slipway/core/errors';
import { isDigest, shortDigest } from '@slipway/core/image/digest';
import type { Image } from '@slipway/core/image/image';
import { parsePlatform } from '@slipway/core/image/platform';
import { formatReference, parseReference, type Reference } from '@slipway/core/image/reference';
import { BlobCopier } from '@slipway/core/registry/blob-copier';
import { copyImage } from '@slipway/core/registry/copy-image';
import { openSpool, type SpoolMode } from '@slipway/core/registry/spool';
import { TransferProgress } from '@slipway/core/registry/transfer-progress';
import { describeTransfer, type TransferReport } from '@slipway/core/registry/transfer-statistics';
import { UploadJournal } from '@slipway/core/registry/upload-journal';
import { mapPooled } from '@slipway/core/util/pool';
import { formatBytes, formatDuration } from '@slipway/core/util/units';
import { readImageFile } from './image-file.ts';
import { completeImages } from './images.ts';
import type { Inputs } from './inputs.ts';

export interface Outputs {
  readonly images: readonly Image[];
  /** How many images could not be copied. */
  readonly failed: number;
  readonly plan: readonly Image[];
  readonly changed: boolean;
  /** What was moved, mounted and found; how often something was tried again; what took longest. */
  readonly statistics: TransferReport;
  readonly [name: string]: unknown;
}

/** Images under way at once: enough to know all blobs early. What limits the load on a registry is the number of blobs. */
const IMAGES_AT_ONCE = 64;

/** Copies images from the source to the target registry, by digest and with all their platforms. */
export async function run(inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  checkOverwrite(inputs, runtime.event);
  const configuration = await loadConfiguration(inputs.config, runtime.event, inputs.token);
  const transfers = planTransfers(await readLists(inputs, configuration, runtime), configuration);
  const wanted = (inputs.platforms ?? []).map(parsePlatform);
  const listed = inputs['image-file'] !== undefined;
  const sources = await openRegistries(
    { ...pluginSide('source', configuration), listed },
    transfers.map(({ from }) => from),
    inputs,
    configuration,
    runtime,
  );
  const targets = await openRegistries(
    { ...pluginSide('target', configuration), listed },
    transfers.map(({ to }) => to),
    inputs,
    configuration,
    runtime,
  );
  const spool = await openSpool(spoolMode(inputs), runtime.workDirectory, runtime.log);
  const blobs = new BlobCopier({
    journal: new UploadJournal(runtime.workDirectory),
    ...(spool !== undefined && { spool }),
  });
  const progress = new TransferProgress(blobs.statistics, runtime.log);
  try {
    const images = await mapPooled(transfers, IMAGES_AT_ONCE, async ({ image, from, to }): Promise<Image> => {
      const started = Date.now();
      try {
        const { result, digest, ...copy } = await copyImage(
          {
            source: sources.repository(from),
            sourceReference: from.digest ?? from.tag,
            target: targets.repository(to),
            targetTag: to.tag,
            platforms: wanted,
            overwrite: inputs.overwrite,
            referrers: inputs.referrers,
            dryRun: inputs['dry-run'],
          },
          blobs,
          runtime.log,
        );
        const took = formatDuration(Date.now() - started);
        const verb = inputs['dry-run'] && result === 'copied' ? 'would copy' : result;
        runtime.log.info(
          `${verb} ${image.target} ${shortDigest(digest)}, ${formatBytes(copy.copied)} moved in ${took}` +
            (copy.referrers === 0 ? '' : `, with ${copy.referrers} referrer${copy.referrers === 1 ? '' : 's'}`),
        );
        const platforms = copy.platforms ?? image.platforms;
        return {
          ...withoutError(image),
          digest,
          ...(platforms !== undefined && { platforms }),
          result,
          copied: copy.copied,
        };
      } catch (error) {
        runtime.fail(codeOf(error), `${image.source} could not be copied to ${image.target}: ${messageOf(error)}`);
        return { ...image, result: 'failed', copied: 0, error: messageOf(error) };
      }
    });
    const statistics = blobs.statistics.report(images, sources.retries + targets.retries);
    return report(images, statistics, inputs, runtime);
  } finally {
    progress.stop();
    await Promise.all([sources.close(), targets.close(), spool?.close()]);
  }
}

/** Keeping blobs costs as much as moving them on a fast network: only what somebody will read again is kept. */
function spoolMode(inputs: Inputs): SpoolMode {
  const wanted = inputs.images?.handedOver === true || inputs['work-directory'] !== undefined;
  return wanted && !inputs['dry-run'] ? inputs.spool : 'off';
}

interface Transfer {
  readonly image: Image;
  readonly from: Reference & { readonly tag: string };
  readonly to: Reference & { readonly tag: string };
}

async function readLists(inputs: Inputs, configuration: Configuration, runtime: Runtime): Promise<Image[]> {
  const file = inputs['image-file'];
  const listed = [
    ...(inputs.images?.list ?? []),
    ...(file === undefined ? [] : await readImageFile(file, runtime.env)),
  ];
  return completeImages(listed, configuration);
}

/** Reads every reference before anything is copied: a typing error in the last line should not cost a night. */
function planTransfers(images: readonly Image[], configuration: Configuration): Transfer[] {
  if (images.length === 0) {
    throw new ConfigurationError('missing-input', "inputs 'images' and 'image-file' name no image; give one of them.");
  }
  const targets = new Set<string>();
  return images.map((image) => {
    const source = parseReference(image.source);
    const to = parseReference(image.target);
    if (to.tag === undefined || to.digest !== undefined) {
      throw new ConfigurationError('invalid-images', `The target ${image.target} must have a tag and no digest.`);
    }
    // By its full name: `busybox:1` and `docker.io/library/busybox:1` are one.
    const name = formatReference(to);
    if (targets.has(name)) {
      throw new ConfigurationError('invalid-images', `The target ${name} is named twice.`);
    }
    targets.add(name);
    // What was validated was a digest; the tag may point elsewhere by now.
    const digest = image.digest ?? source.digest;
    if (digest !== undefined && !isDigest(digest)) {
      throw new ConfigurationError('invalid-images', `${image.source}: '${digest}' is no digest.`);
    }
    const from = { ...source, tag: source.tag ?? 'latest', ...(digest !== undefined && { digest }) };
    return { image: { ...image, name: imageName(image.name, configuration) }, from, to: { ...to, tag: to.tag } };
  });
}

/** Lines give the repository's whole last component; an image's name is that without the prefix. */
function imageName(name: string, { plugins: { prefix } }: Configuration): string {
  return name.startsWith(prefix) && name.length > prefix.length ? name.slice(prefix.length) : name;
}

function withoutError({ error: _, ...image }: Image): Image {
  return image;
}

function report(images: readonly Image[], statistics: TransferReport, inputs: Inputs, runtime: Runtime): Outputs {
  const failed = images.filter(({ result }) => result === 'failed').length;
  const changed = !inputs['dry-run'] && images.some(({ result }) => result === 'copied');
  runtime.summary.heading(inputs['dry-run'] ? 'Images that would be synced' : 'Images synced');
  if (inputs.overwrite) runtime.summary.paragraph(`Overwriting was allowed: ${inputs.reason ?? ''}`);
  runtime.summary.table(
    ['image', 'digest', 'result', 'moved'],
    images.map((image) => [
      `\`${image.target}\``,
      `\`${image.digest === undefined ? '' : shortDigest(image.digest)}\``,
      image.error ?? image.result ?? '',
      formatBytes(image.copied ?? 0),
    ]),
  );
  const rows = describeTransfer(statistics);
  runtime.summary.table(['what was moved', ''], rows);
  for (const [what, figure] of rows) runtime.log.info(`${what}: ${figure}`);
  return { images, failed, plan: images, changed, statistics };
}
