import { type Content, readAll } from '../util/content.ts';
import type { Log } from '../util/log.ts';
import type { Progress } from '../util/progress.ts';
import { bytesSource, type ContentDigest, SMALLEST_PART } from './content-digest.ts';
import type { OssBucket, WriteOptions } from './oss-bucket.ts';
import { settleParts } from './settle.ts';
import { checkStored, isMislabelled } from './stored-content.ts';
import { StreamedUpload } from './streamed-upload.ts';
import { applyUpload } from './upload.ts';

/**
 * Uploads content that is made while it is read, in one pass and without a file; returns what it has turned out to be.
 *
 * As `applyUpload` does, it proves by OSS's own checksums that the object is there, which appears at once and whole, or
 * not at all. A large object has no SHA-256 in its metadata: that is known too late.
 */
export async function streamUpload(
  bucket: OssBucket,
  key: string,
  content: Content,
  { forbidOverwrite }: Pick<WriteOptions, 'forbidOverwrite'>,
  report: { readonly log: Log; readonly progress: Progress },
): Promise<ContentDigest> {
  if (content.size <= SMALLEST_PART) {
    const source = await bytesSource(await readAll(content.open(), content.size));
    const result = forbidOverwrite ? 'upload' : 'overwrite';
    await applyUpload(bucket, { key, uri: bucket.uri(key), digest: source.digest, result }, source, report);
    return source.digest;
  }
  const options = { sha256: undefined, forbidOverwrite, adopt: true };
  const digest = await write(bucket, key, content, options, report);
  let stored = await bucket.head(key);
  if (stored !== undefined && isMislabelled(stored, digest)) {
    report.log.warning(
      `${bucket.uri(key)} went on with an upload that was begun for other content: once more, from its beginning`,
    );
    report.progress.skip(-digest.size);
    const again = { sha256: digest.sha256, forbidOverwrite: false, adopt: false };
    await write(bucket, key, content, again, report);
    stored = await bucket.head(key);
  }
  checkStored(bucket, key, digest, stored);
  return digest;
}

async function write(
  bucket: OssBucket,
  key: string,
  content: Content,
  options: WriteOptions & { readonly adopt: boolean },
  report: { readonly log: Log; readonly progress: Progress },
): Promise<ContentDigest> {
  const upload = new StreamedUpload(bucket, key, content, options, report);
  await settleParts(bucket, key, upload, () => upload.digest, options);
  if (upload.digest === undefined) throw new RangeError(`${bucket.uri(key)} was uploaded without being read`);
  return upload.digest;
}
