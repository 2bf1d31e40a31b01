import { readAll } from '../util/content.ts';
import type { Log } from '../util/log.ts';
import type { Progress } from '../util/progress.ts';
import { type ContentDigest, fileChanged, SMALLEST_PART, type Source } from './content-digest.ts';
import { Crc64 } from './crc64.ts';
import { MultipartUpload } from './multipart-upload.ts';
import type { OssBucket, StoredObject, WriteOptions } from './oss-bucket.ts';
import { settle, settleParts, writeProved } from './settle.ts';
import { isMislabelled, isSame, objectExists } from './stored-content.ts';

/** What has to be done for one object to be there. */
export interface PlannedUpload {
  readonly key: string;
  readonly uri: string;
  readonly digest: ContentDigest;
  /** `relabel`: the content is there, and its metadata names another SHA-256; it is uploaded once more. */
  readonly result: 'upload' | 'overwrite' | 'relabel' | 'unchanged';
  /** What else is noted with the object, when it is uploaded. */
  readonly meta?: Readonly<Record<string, string>>;
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
  { key, digest, result, meta = {} }: PlannedUpload,
  source: Source,
  report: { readonly log: Log; readonly progress: Progress },
): Promise<void> {
  if (result === 'unchanged') return;
  const options = { sha256: digest.sha256, meta };
  const writeOnce = async (again: boolean): Promise<ContentDigest> => {
    const forbidOverwrite = result === 'upload' && !again;
    await write(bucket, key, source, { ...options, forbidOverwrite, adopt: !again }, report);
    return digest;
  };
  await writeProved(bucket, key, writeOnce, report);
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
  await settle(
    bucket,
    key,
    () => digest,
    options,
    () => bucket.put(key, bytes, options),
  );
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
  await settleParts(bucket, key, upload, () => source.digest, options);
}

/** Reads a source into memory, and checks that it is still what it was: it will be the object a moment later. */
async function readSmall({ digest, open }: Source): Promise<Buffer> {
  const bytes = await readAll(open(0, digest.size), digest.size);
  if (String(new Crc64().update(bytes).digest()) === digest.crc64) return bytes;
  throw fileChanged('The file is not what it was a moment ago');
}
