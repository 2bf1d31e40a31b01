import { messageOf } from '../errors.ts';
import type { Log } from '../util/log.ts';
import { mapPooled } from '../util/pool.ts';
import type { OssBucket, StoredPart } from './oss-bucket.ts';
import { OssError } from './oss-error.ts';

const AT_ONCE = 4;

/** An upload that was begun and not completed, and what it has so far. */
export interface UnfinishedUpload {
  readonly uploadId: string;
  readonly parts: readonly StoredPart[];
}

/** Returns the unfinished uploads of a key; none when the access key may not list them. */
export async function listUnfinished(bucket: OssBucket, key: string, log: Log): Promise<UnfinishedUpload[]> {
  try {
    const uploadIds = await bucket.listUploads(key);
    return await mapPooled(uploadIds, AT_ONCE, async (uploadId) => ({
      uploadId,
      parts: await bucket.listParts(key, uploadId),
    }));
  } catch (error) {
    if (!(error instanceof OssError && error.ossCode === 'AccessDenied')) throw error;
    log.info(`starts from the beginning: ${error.message}`);
    return [];
  }
}

/** Aborts an upload; one that cannot be aborted is no reason to fail, and is left to the rules of the bucket. */
export async function discardUpload(bucket: OssBucket, key: string, uploadId: string, log: Log): Promise<void> {
  await bucket.abortUpload(key, uploadId).catch((error: unknown) => {
    log.warning(`An unfinished upload stays behind: ${messageOf(error)}`);
  });
}
