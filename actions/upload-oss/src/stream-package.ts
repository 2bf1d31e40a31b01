import type { Runtime } from '@slipway/core/action/action';
import { withPluginPackage } from '@slipway/core/action/plugin-package';
import type { Package } from '@slipway/core/archive/package';
import type { Configuration } from '@slipway/core/configuration/configuration';
import type { OssBucket } from '@slipway/core/object-store/oss-bucket';
import type { PlannedUpload } from '@slipway/core/object-store/upload';
import { checksumUri, type OssUri } from '@slipway/core/object-store/uri';
import type { Plugin } from '@slipway/core/plugin/plugin';
import type { Inputs } from './inputs.ts';
import { PackageObjects } from './package-objects.ts';
import { describe } from './transfer.ts';

/** What became of the two objects, and the package; undefined in a dry run. */
export interface StreamedPackage {
  readonly uploads: readonly PlannedUpload[];
  readonly package: Package | undefined;
}

/**
 * Makes the package of a plugin and uploads it in one go: blobs flow from the registry, or from what sync-images has kept,
 * into the parts of the upload, and no file is written. Its checksum is put after it.
 */
export async function streamPackage(
  plugin: Plugin,
  bucket: OssBucket,
  destination: OssUri,
  inputs: Inputs,
  configuration: Configuration,
  runtime: Runtime,
): Promise<StreamedPackage> {
  // That a key does not open the bucket should be known before the registry is asked.
  const [stored, checksum] = await Promise.all([
    bucket.head(destination.key),
    bucket.head(checksumUri(destination).key),
  ]);
  return withPluginPackage(plugin, inputs, configuration, runtime, async (made) => {
    const objects = new PackageObjects(bucket, destination, made.content, { stored, checksum }, inputs.overwrite);
    const planned = await objects.plan();
    if (inputs['dry-run']) {
      for (const upload of planned) runtime.log.info(`would ${describe(upload)}`);
      return { uploads: planned, package: undefined };
    }
    const uploads = await objects.upload(planned[0], runtime);
    const { sha256, size } = uploads[0].digest;
    const { version, commit } = plugin;
    const { images, name } = made;
    return { uploads, package: { plugin: plugin.plugin, version, file: name, sha256, size, commit, images } };
  });
}
