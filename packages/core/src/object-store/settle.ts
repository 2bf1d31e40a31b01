import { ActionError, ConfigurationError } from '../errors.ts';
import type { Log } from '../util/log.ts';
import type { Progress } from '../util/progress.ts';
import type { ContentDigest } from './content-digest.ts';
import { isLost, isTaken, type OssBucket, type StoredObject, type WriteOptions } from './oss-bucket.ts';
import { checkStored, damaged, isMislabelled, isSame, objectExists } from './stored-content.ts';

/**
 * Runs a write, which returns the checksum that OSS has, until the object is there.
 *
 * `digestOf` tells what is written, undefined as long as that is not known: nothing can have been written by then.
 * Whether a write that failed has worked all the same is asked of the object itself: when only the answer was lost, a
 * second attempt is refused because the first one worked (`FileAlreadyExists`, `NoSuchUpload`).
 */
export async function settle(
  bucket: OssBucket,
  key: string,
  digestOf: () => ContentDigest | undefined,
  { forbidOverwrite }: Pick<WriteOptions, 'forbidOverwrite'>,
  write: () => Promise<string | undefined>,
): Promise<void> {
  // The content with a wrong label is our write's effect only when nothing was there before; its label is seen to later.
  const isThere = (stored: StoredObject | undefined, digest: ContentDigest): boolean =>
    stored !== undefined && (isSame(stored, digest) || (forbidOverwrite && isMislabelled(stored, digest)));
  let restarted = false;
  const attempt = async (): Promise<void> => {
    // Who has ended the upload may have completed it, and then there is nothing left to do.
    const before = digestOf();
    if (restarted && before !== undefined && isThere(await bucket.head(key), before)) return;
    restarted = true;
    try {
      const crc64 = await write();
      const digest = digestOf();
      if (crc64 !== undefined && digest !== undefined && crc64 !== digest.crc64) {
        throw damaged(bucket, key, `CRC64 ${crc64}`, `CRC64 ${digest.crc64}`);
      }
    } catch (error) {
      const digest = digestOf();
      if (digest === undefined || !mayHaveWorked(error)) throw error;
      // Asking may fail for the same reason as the write; it is the write's failure that has to be known.
      const stored = await bucket.head(key).catch(() => undefined);
      if (isThere(stored, digest)) return;
      if (stored !== undefined && isTaken(error)) {
        throw objectExists(bucket, key, stored, digest);
      }
      throw error;
    }
  };
  // Requests are tried again on their own; an upload that somebody else has ended or changed is begun anew.
  await bucket.retry(`upload ${bucket.uri(key)}`, attempt, (error) => isLost(error) && {});
}

/** An upload in parts, which can be run again and given up. */
interface PartedUpload {
  run(): Promise<string | undefined>;
  /** Takes away what was stored of it. */
  abort(): Promise<void>;
}

/**
 * Runs an upload in parts until the object is there, and leaves no parts behind that nobody can use: an upload that was
 * cut keeps its own for the next run.
 */
export async function settleParts(
  bucket: OssBucket,
  key: string,
  upload: PartedUpload,
  digestOf: () => ContentDigest | undefined,
  options: Pick<WriteOptions, 'forbidOverwrite'>,
): Promise<void> {
  try {
    await settle(bucket, key, digestOf, options, () => upload.run());
  } catch (error) {
    if (isUseless(error)) await upload.abort();
    throw error;
  }
  // Somebody else may have put the same content there meanwhile: then these parts are left over.
  await upload.abort();
}

/**
 * Runs `write` until OSS's own checksums prove that its content is there, and returns what that is.
 *
 * An unfinished upload of other content may have been gone on with: then the object has the wrong label, and is written once
 * more, by `write(true)`, from its beginning and over itself.
 */
export async function writeProved(
  bucket: OssBucket,
  key: string,
  write: (again: boolean) => Promise<ContentDigest>,
  { log, progress }: { readonly log: Log; readonly progress: Progress },
): Promise<ContentDigest> {
  let digest = await write(false);
  let stored = await bucket.head(key);
  if (stored !== undefined && isMislabelled(stored, digest)) {
    log.warning(
      `${bucket.uri(key)} went on with an upload that was begun for other content: once more, from its beginning`,
    );
    progress.skip(-digest.size);
    digest = await write(true);
    stored = await bucket.head(key);
  }
  checkStored(bucket, key, digest, stored);
  return digest;
}

/** Tells of a failure after which no run can use the parts: the key is taken, or the content is no more. */
function isUseless(error: unknown): boolean {
  const failed = error instanceof ActionError || error instanceof ConfigurationError;
  return failed && (error.code === 'object-exists' || error.code === 'file-changed');
}

/** Tells whether a write may have had its effect all the same; one that was refused for its sender has not. */
function mayHaveWorked(error: unknown): boolean {
  return !(error instanceof ActionError && ['unauthorized', 'clock-skew', 'file-changed'].includes(error.code));
}
