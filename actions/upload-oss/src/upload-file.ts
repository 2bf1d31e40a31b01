import { basename } from 'node:path';
import type { Runtime } from '@slipway/core/action/action';
import type { Package } from '@slipway/core/archive/package';
import { ConfigurationError } from '@slipway/core/errors';
import { bytesSource, type ContentDigest, fileSource, type Source } from '@slipway/core/object-store/content-digest';
import type { OssBucket } from '@slipway/core/object-store/oss-bucket';
import { applySeal } from '@slipway/core/object-store/package-seal';
import { applyUpload, type PlannedUpload, planUpload } from '@slipway/core/object-store/upload';
import { checksumUri, type OssUri } from '@slipway/core/object-store/uri';
import type { Inputs } from './inputs.ts';
import { describe, transfer } from './transfer.ts';

/** Uploads a file, and its checksum after it; returns what was, or with `dry-run` would be, done to the two objects. */
export async function uploadFile(
  bucket: OssBucket,
  destination: OssUri,
  file: string,
  inputs: Inputs,
  runtime: Runtime,
): Promise<PlannedUpload[]> {
  const uploads = await planUploads(bucket, destination, file, inputs);
  for (const { planned, source } of uploads) {
    if (inputs['dry-run']) runtime.log.info(`would ${describe(planned)}`);
    else await transfer(planned, (report) => applyUpload(bucket, planned, source, report).then(() => planned), runtime);
  }
  return uploads.map(({ planned }) => planned);
}

interface Upload {
  readonly planned: PlannedUpload;
  readonly source: Source;
}

/** Looks at both objects first: that a key does not open the bucket should be known before gigabytes are read. */
async function planUploads(
  bucket: OssBucket,
  destination: OssUri,
  file: string,
  inputs: Inputs,
): Promise<[Upload, Upload]> {
  const { key } = destination;
  const { key: checksumKey } = checksumUri(destination);
  const before = await bucket.head(key);
  const storedChecksum = await bucket.head(checksumKey);
  const stored = applySeal(before, storedChecksum);
  const source = await fileSource(file);
  const { digest } = source;
  checkPackage(inputs.package, file, digest);
  const checksum = await bytesSource(Buffer.from(`${digest.sha256}  ${basename(key)}\n`));
  return [
    { planned: planUpload(bucket, key, stored, digest, inputs.overwrite), source },
    {
      planned: planUpload(bucket, checksumKey, storedChecksum, checksum.digest, inputs.overwrite),
      source: checksum,
    },
  ];
}

/** What was bundled is what is uploaded: a file that was built again, or cut, on the way is refused. */
function checkPackage(expected: Package | undefined, file: string, { sha256, size }: ContentDigest): void {
  if (expected === undefined || (expected.sha256 === sha256 && expected.size === size)) return;
  throw new ConfigurationError(
    'package-changed',
    `${file} is not the package that was bundled: it has ${size} bytes and sha256 ${sha256}, and should have ` +
      `${expected.size} bytes and sha256 ${expected.sha256}. Bundle it again.`,
  );
}
