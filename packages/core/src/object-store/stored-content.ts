import { ActionError, ConfigurationError } from '../errors.ts';
import type { ContentDigest } from './content-digest.ts';
import type { OssBucket, StoredObject } from './oss-bucket.ts';
import { isChecksumKey } from './uri.ts';

type ObjectSums = Pick<StoredObject, 'size' | 'crc64' | 'sha256'>;

/** Tells that an object has the right content, and that its own metadata names the SHA-256 of another one. */
export function isMislabelled(stored: StoredObject, { size, crc64, sha256 }: ContentDigest): boolean {
  const label = stored.meta['sha256'];
  return stored.size === size && stored.crc64 === crc64 && label !== undefined && label !== sha256;
}

/** Two contents count as the same when all that is known of both is equal, and enough is known. */
export function isSame(stored: ObjectSums, { size, crc64, sha256 }: ContentDigest): boolean {
  const sums = [
    [stored.crc64, crc64],
    [stored.sha256, sha256],
  ].filter(([theirs]) => theirs !== undefined);
  return stored.size === size && sums.length > 0 && sums.every(([theirs, ours]) => theirs === ours);
}

/** The key is taken; what is released is not changed. */
export function objectExists(
  bucket: OssBucket,
  key: string,
  stored: ObjectSums,
  digest: ContentDigest,
): ConfigurationError {
  const beside = isChecksumKey(key) ? ' (the checksum beside the package)' : '';
  return new ConfigurationError(
    'object-exists',
    `${bucket.uri(key)}${beside} exists with other content: ${describe(stored)} is there, ${describe(digest)} would be uploaded. ` +
      'A release is not changed: bump the version, or dispatch with `overwrite: true` and a reason.',
  );
}

function describe({ size, crc64, sha256 }: ObjectSums): string {
  return `sha256 ${sha256 ?? 'unknown'}, crc64 ${crc64 ?? 'unknown'}, ${size} bytes`;
}

/** Throws an ActionError when what OSS has after an upload is not what was uploaded. */
export function checkStored(
  bucket: OssBucket,
  key: string,
  digest: ContentDigest,
  stored: StoredObject | undefined,
): void {
  if (stored !== undefined && isSame(stored, digest)) return;
  if (stored === undefined) {
    throw new ActionError(
      'object-damaged',
      `${bucket.host}: ${bucket.uri(key)} was uploaded, and now OSS has nothing there. Somebody, or a rule of the ` +
        'bucket, has deleted it meanwhile: find out who, and run again.',
    );
  }
  throw damaged(bucket, key, describe(stored), describe(digest));
}

export function damaged(bucket: OssBucket, key: string, found: string, expected: string): ActionError {
  return new ActionError(
    'object-damaged',
    `${bucket.host}: ${bucket.uri(key)} was uploaded, but OSS has ${found} instead of ${expected}. ` +
      'Somebody else may have written it meanwhile, or it was damaged: delete the object and run again.',
  );
}
