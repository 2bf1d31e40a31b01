import { type Content, readAll } from '../util/content.ts';
import type { Log } from '../util/log.ts';
import type { Progress } from '../util/progress.ts';
import { bytesSource, type ContentDigest, SMALLEST_PART } from './content-digest.ts';
import type { OssBucket, WriteOptions } from './oss-bucket.ts';
import { settleParts, writeProved } from './settle.ts';
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
  let known: ContentDigest | undefined;
  const writeOnce = async (again: boolean): Promise<ContentDigest> => {
    // What it is, is known once it was read.
    const options = { sha256: known?.sha256, forbidOverwrite: forbidOverwrite && !again, adopt: !again };
    known = await write(bucket, key, content, options, report);
    return known;
  };
  return writeProved(bucket, key, writeOnce, report);
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
