import { ActionError, ConfigurationError } from '../errors.ts';
import { readAll } from '../util/content.ts';
import type { Log } from '../util/log.ts';
import type { Progress } from '../util/progress.ts';
import { type ContentDigest, SMALLEST_PART, type Source } from './content-digest.ts';
import { Crc64 } from './crc64.ts';
import { MultipartUpload } from './multipart-upload.ts';
import { isGone, type OssBucket, type StoredObject, type WriteOptions } from './oss-bucket.ts';
import { judgeOssFailure, OssError } from './oss-error.ts';

/** What has to be done for one object to be there. */
export interface PlannedUpload {
  readonly key: string;
  readonly uri: string;
  readonly digest: ContentDigest;
  readonly result: 'upload' | 'overwrite' | 'unchanged';
}

/**
 * Decides by what is `stored` what has to be done. With the same content nothing has to be; other content is replaced
 * only with `overwrite`, else it is a ConfigurationError: what is released is not changed.
 */
export function planUpload(
  bucket: OssBucket,
  key: string,
  stored: StoredObject | undefined,
  digest: ContentDigest,
  overwrite: boolean,
): PlannedUpload {
  const plan = { key, uri: bucket.uri(key), digest };
  if (stored === undefined) return { ...plan, result: 'upload' };
  if (isSame(stored, digest)) return { ...plan, result: 'unchanged' };
  if (overwrite) return { ...plan, result: 'overwrite' };
  throw objectExists(bucket, key, stored, digest);
}

/**
 * Uploads what is planned, and proves by OSS's own checksums that it is there; nothing is done for `unchanged`.
 *
 * A small content goes in one request, a larger one in parts. The object appears at once and whole, or not at all.
 */
export async function applyUpload(
  bucket: OssBucket,
  { key, digest, result }: PlannedUpload,
  source: Source,
  { log, progress }: { readonly log: Log; readonly progress: Progress },
): Promise<void> {
  if (result === 'unchanged') return;
  const options: WriteOptions = { sha256: digest.sha256, forbidOverwrite: result === 'upload' };
  if (digest.size <= SMALLEST_PART) {
    const bytes = await readSmall(source);
    await settle(bucket, key, digest, () => bucket.put(key, bytes, options));
    progress.add(digest.size);
  } else {
    await uploadInParts(bucket, key, source, options, { log, progress });
  }
  checkStored(bucket, key, digest, await bucket.head(key));
}

async function uploadInParts(
  bucket: OssBucket,
  key: string,
  source: Source,
  options: WriteOptions,
  report: { readonly log: Log; readonly progress: Progress },
): Promise<void> {
  const { digest } = source;
  const upload = new MultipartUpload(bucket, key, source, options, report);
  let keep = false;
  try {
    await settle(bucket, key, digest, () => upload.run());
  } catch (error) {
    // What fails for a passing reason is worth keeping: the next run goes on from there.
    keep = judgeOssFailure(error) !== false;
    throw error;
  } finally {
    if (!keep) await upload.abort();
  }
  const stored = await bucket.head(key);
  const mislabelled = stored?.crc64 === digest.crc64 && stored.size === digest.size && stored.sha256 !== digest.sha256;
  if (mislabelled && options.forbidOverwrite) {
    report.log.info(
      `${bucket.uri(key)} went on with an upload that was begun for other content: once more, from its beginning`,
    );
    await uploadInParts(bucket, key, source, { ...options, forbidOverwrite: false }, report);
  }
}

/** Reads a source into memory, and checks that it is still what it was: it will be the object a moment later. */
async function readSmall({ digest, open }: Source): Promise<Buffer> {
  const bytes = await readAll(open(0, digest.size), digest.size);
  if (String(new Crc64().update(bytes).digest()) === digest.crc64) return bytes;
  throw new ActionError('file-changed', 'The file is not what it was a moment ago. Is it still written to?');
}

/**
 * Runs a write, which returns the checksum that OSS has, until the object is there.
 *
 * Whether a write that failed has worked all the same is asked of the object itself: when only the answer was lost, a
 * second attempt is refused because the first one worked (`FileAlreadyExists`, `NoSuchUpload`).
 */
async function settle(
  bucket: OssBucket,
  key: string,
  digest: ContentDigest,
  write: () => Promise<string | undefined>,
): Promise<void> {
  const attempt = async (): Promise<void> => {
    try {
      const crc64 = await write();
      if (crc64 !== undefined && crc64 !== digest.crc64) {
        throw damaged(bucket, key, `CRC64 ${crc64}`, `CRC64 ${digest.crc64}`);
      }
    } catch (error) {
      const stored = await bucket.head(key);
      if (stored !== undefined && isSame(stored, digest)) return;
      if (stored !== undefined && error instanceof OssError && error.ossCode === 'FileAlreadyExists') {
        throw objectExists(bucket, key, stored, digest);
      }
      throw error;
    }
  };
  // Requests are tried again on their own; an upload that somebody else has ended is begun anew.
  await bucket.retry(`upload ${bucket.uri(key)}`, attempt, (error) => isGone(error) && {});
}

/** Two contents count as the same when all that is known of both is equal, and enough is known. */
function isSame(stored: StoredObject, { size, crc64, sha256 }: ContentDigest): boolean {
  const sums = [
    [stored.crc64, crc64],
    [stored.sha256, sha256],
  ].filter(([theirs]) => theirs !== undefined);
  return stored.size === size && sums.length > 0 && sums.every(([theirs, ours]) => theirs === ours);
}

function objectExists(bucket: OssBucket, key: string, stored: StoredObject, digest: ContentDigest): ConfigurationError {
  return new ConfigurationError(
    'object-exists',
    `${bucket.uri(key)} exists with other content: ${describe(stored)} is there, ${describe(digest)} would be uploaded. ` +
      'A release is not changed: bump the version, or dispatch with `overwrite: true` and a reason.',
  );
}

function describe({ size, crc64, sha256 }: StoredObject): string {
  return `sha256 ${sha256 ?? 'unknown'}, crc64 ${crc64 ?? 'unknown'}, ${size} bytes`;
}

function checkStored(bucket: OssBucket, key: string, digest: ContentDigest, stored: StoredObject | undefined): void {
  if (stored !== undefined && isSame(stored, digest)) return;
  throw damaged(bucket, key, stored === undefined ? 'nothing' : describe(stored), describe(digest));
}

function damaged(bucket: OssBucket, key: string, found: string, expected: string): ActionError {
  return new ActionError(
    'object-damaged',
    `${bucket.host}: ${bucket.uri(key)} was uploaded, but OSS has ${found} instead of ${expected}. ` +
      'Somebody else may have written it meanwhile, or it was damaged: delete the object and run again.',
  );
}
