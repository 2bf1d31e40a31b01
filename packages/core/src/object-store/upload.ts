import { ActionError, ConfigurationError } from '../errors.ts';
import { readAll } from '../util/content.ts';
import type { Log } from '../util/log.ts';
import type { Progress } from '../util/progress.ts';
import { type ContentDigest, fileChanged, SMALLEST_PART, type Source } from './content-digest.ts';
import { Crc64 } from './crc64.ts';
import { MultipartUpload } from './multipart-upload.ts';
import { isLost, type OssBucket, type StoredObject, type WriteOptions } from './oss-bucket.ts';
import { OssError } from './oss-error.ts';
import { isChecksumKey } from './uri.ts';

/** What has to be done for one object to be there. */
export interface PlannedUpload {
  readonly key: string;
  readonly uri: string;
  readonly digest: ContentDigest;
  /** `relabel`: the content is there, and its metadata names another SHA-256; it is uploaded once more. */
  readonly result: 'upload' | 'overwrite' | 'relabel' | 'unchanged';
}

/**
 * Decides by what is `stored` what has to be done. With the same content nothing has to be; other content is replaced
 * only with `overwrite`, else it is a ConfigurationError: what is released is not changed.
 *
 * The same size and CRC64 with another SHA-256 in the metadata is the same content with a wrong label, as a run leaves
 * it that ended between completing somebody else's upload and looking at the object. Uploading it again changes nothing
 * but the label, and is no overwriting.
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
  if (isMislabelled(stored, digest)) return { ...plan, result: 'relabel' };
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
  await write(bucket, key, source, { ...options, adopt: true }, { log, progress });
  let stored = await bucket.head(key);
  if (stored !== undefined && isMislabelled(stored, digest)) {
    log.warning(
      `${bucket.uri(key)} went on with an upload that was begun for other content: once more, from its beginning`,
    );
    progress.skip(-digest.size);
    await write(bucket, key, source, { ...options, forbidOverwrite: false, adopt: false }, { log, progress });
    stored = await bucket.head(key);
  }
  checkStored(bucket, key, digest, stored);
}

async function write(
  bucket: OssBucket,
  key: string,
  source: Source,
  options: WriteOptions & { readonly adopt: boolean },
  report: { readonly log: Log; readonly progress: Progress },
): Promise<void> {
  const { digest } = source;
  if (digest.size > SMALLEST_PART) return writeInParts(bucket, key, source, options, report);
  const bytes = await readSmall(source);
  await settle(bucket, key, digest, options, () => bucket.put(key, bytes, options));
  report.progress.add(digest.size);
}

async function writeInParts(
  bucket: OssBucket,
  key: string,
  source: Source,
  options: WriteOptions & { readonly adopt: boolean },
  report: { readonly log: Log; readonly progress: Progress },
): Promise<void> {
  const upload = new MultipartUpload(bucket, key, source, options, report);
  try {
    await settle(bucket, key, source.digest, options, () => upload.run());
  } catch (error) {
    if (isUseless(error)) await upload.abort();
    throw error;
  }
  // Somebody else may have put the same content there meanwhile: then these parts are left over.
  await upload.abort();
}

/** Tells of a failure after which no run can use the parts: the key is taken, or the content is no more. */
function isUseless(error: unknown): boolean {
  const failed = error instanceof ActionError || error instanceof ConfigurationError;
  return failed && (error.code === 'object-exists' || error.code === 'file-changed');
}

/** Reads a source into memory, and checks that it is still what it was: it will be the object a moment later. */
async function readSmall({ digest, open }: Source): Promise<Buffer> {
  const bytes = await readAll(open(0, digest.size), digest.size);
  if (String(new Crc64().update(bytes).digest()) === digest.crc64) return bytes;
  throw fileChanged('The file is not what it was a moment ago');
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
  { forbidOverwrite }: WriteOptions,
  write: () => Promise<string | undefined>,
): Promise<void> {
  // The content with a wrong label is our write's effect only when nothing was there before; its label is seen to later.
  const isThere = (stored: StoredObject | undefined): boolean =>
    stored !== undefined && (isSame(stored, digest) || (forbidOverwrite && isMislabelled(stored, digest)));
  let restarted = false;
  const attempt = async (): Promise<void> => {
    // Who has ended the upload may have completed it, and then there is nothing left to do.
    if (restarted && isThere(await bucket.head(key))) return;
    restarted = true;
    try {
      const crc64 = await write();
      if (crc64 !== undefined && crc64 !== digest.crc64) {
        throw damaged(bucket, key, `CRC64 ${crc64}`, `CRC64 ${digest.crc64}`);
      }
    } catch (error) {
      if (!mayHaveWorked(error)) throw error;
      // Asking may fail for the same reason as the write; it is the write's failure that has to be known.
      const stored = await bucket.head(key).catch(() => undefined);
      if (isThere(stored)) return;
      if (stored !== undefined && error instanceof OssError && error.ossCode === 'FileAlreadyExists') {
        throw objectExists(bucket, key, stored, digest);
      }
      throw error;
    }
  };
  // Requests are tried again on their own; an upload that somebody else has ended or changed is begun anew.
  await bucket.retry(`upload ${bucket.uri(key)}`, attempt, (error) => isLost(error) && {});
}

/** Tells whether a write may have had its effect all the same; one that was refused for its sender has not. */
function mayHaveWorked(error: unknown): boolean {
  return !(error instanceof ActionError && ['unauthorized', 'clock-skew', 'file-changed'].includes(error.code));
}

function isMislabelled(stored: StoredObject, { size, crc64, sha256 }: ContentDigest): boolean {
  return stored.size === size && stored.crc64 === crc64 && stored.sha256 !== sha256;
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
  const beside = isChecksumKey(key) ? ' (the checksum beside the package)' : '';
  return new ConfigurationError(
    'object-exists',
    `${bucket.uri(key)}${beside} exists with other content: ${describe(stored)} is there, ${describe(digest)} would be uploaded. ` +
      'A release is not changed: bump the version, or dispatch with `overwrite: true` and a reason.',
  );
}

function describe({ size, crc64, sha256 }: StoredObject): string {
  return `sha256 ${sha256 ?? 'unknown'}, crc64 ${crc64 ?? 'unknown'}, ${size} bytes`;
}

function checkStored(bucket: OssBucket, key: string, digest: ContentDigest, stored: StoredObject | undefined): void {
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

function damaged(bucket: OssBucket, key: string, found: string, expected: string): ActionError {
  return new ActionError(
    'object-damaged',
    `${bucket.host}: ${bucket.uri(key)} was uploaded, but OSS has ${found} instead of ${expected}. ` +
      'Somebody else may have written it meanwhile, or it was damaged: delete the object and run again.',
  );
}
