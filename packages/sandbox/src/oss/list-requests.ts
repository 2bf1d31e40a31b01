import { invalidArgument, notImplemented } from './error.ts';
import { type Exchange, type Reply, xmlReply } from './exchange.ts';
import { compareKeys, keyEncoder, pageOf, parseLimit } from './listing.ts';
import { findUpload } from './upload-requests.ts';

/** https://help.aliyun.com/en/oss/developer-reference/listobjectsv2 */
export async function listObjects({ bucket, query }: Exchange): Promise<Reply> {
  if (query.get('list-type') !== '2') throw notImplemented('A request about a bucket other than ListObjectsV2');
  const encode = keyEncoder(query);
  const [prefix, delimiter, startAfter] = [text(query, 'prefix'), text(query, 'delimiter'), text(query, 'start-after')];
  const limit = parseLimit(query, 'max-keys', 100);
  const token = query.get('continuation-token');
  const after = token === undefined ? startAfter : parseToken(token);
  const page = pageOf(await bucket.objects.list(), { prefix, delimiter, after, limit });
  return xmlReply('ListBucketResult', {
    Name: bucket.name,
    Prefix: encode(prefix),
    Delimiter: encode(delimiter),
    StartAfter: encode(startAfter),
    MaxKeys: limit,
    ...(token === undefined ? {} : { ContinuationToken: token }),
    ...(page.next === undefined ? {} : { NextContinuationToken: Buffer.from(page.next).toString('base64') }),
    KeyCount: page.items.length + page.commonPrefixes.length,
    IsTruncated: page.next !== undefined,
    Contents: page.items.map(({ key, lastModified, etag, type, size }) => ({
      Key: encode(key),
      LastModified: lastModified,
      ETag: `"${etag}"`,
      Type: type,
      Size: size,
      StorageClass: 'Standard',
    })),
    CommonPrefixes: page.commonPrefixes.map((common) => ({ Prefix: encode(common) })),
  });
}

function parseToken(token: string): string {
  const bytes = Buffer.from(token, 'base64');
  if (token === '' || bytes.toString('base64') !== token) {
    throw invalidArgument('The continuation token provided is incorrect.', 'continuation-token', token);
  }
  return bytes.toString();
}

/** https://help.aliyun.com/en/oss/developer-reference/listmultipartuploads */
export async function listUploads({ bucket, query }: Exchange): Promise<Reply> {
  const encode = keyEncoder(query);
  if (text(query, 'delimiter') !== '') throw notImplemented('ListMultipartUploads with a delimiter');
  const [prefix, keyMarker] = [text(query, 'prefix'), text(query, 'key-marker')];
  // Without a key marker OSS ignores the upload id marker.
  const idMarker = keyMarker === '' ? '' : text(query, 'upload-id-marker');
  const limit = parseLimit(query, 'max-uploads', 1000);
  const waiting = (await bucket.uploads.list()).filter(({ key, uploadId }) => {
    const order = compareKeys(key, keyMarker);
    return key.startsWith(prefix) && (order > 0 || (order === 0 && idMarker !== '' && uploadId > idMarker));
  });
  const shown = waiting.slice(0, limit);
  const last = shown.at(-1);
  const truncated = waiting.length > shown.length;
  return xmlReply('ListMultipartUploadsResult', {
    Bucket: bucket.name,
    KeyMarker: encode(keyMarker),
    UploadIdMarker: idMarker,
    NextKeyMarker: truncated ? encode(last?.key ?? '') : '',
    NextUploadIdMarker: truncated ? (last?.uploadId ?? '') : '',
    Prefix: encode(prefix),
    Delimiter: '',
    MaxUploads: limit,
    IsTruncated: truncated,
    Upload: shown.map(({ key, uploadId, initiated }) => ({
      Key: encode(key),
      UploadId: uploadId,
      Initiated: initiated,
      StorageClass: 'Standard',
    })),
  });
}

/** https://help.aliyun.com/en/oss/developer-reference/listparts */
export async function listParts(exchange: Exchange, key: string, uploadId: string): Promise<Reply> {
  const { bucket, query } = exchange;
  const encode = keyEncoder(query);
  const marker = query.get('part-number-marker') ?? '0';
  if (!/^\d+$/.test(marker)) {
    throw invalidArgument('part-number-marker must be an integer.', 'part-number-marker', marker);
  }
  const limit = parseLimit(query, 'max-parts', 1000);
  await findUpload(exchange, key, uploadId);
  const waiting = (await bucket.uploads.parts(uploadId)).filter(({ number }) => number > Number(marker));
  const shown = waiting.slice(0, limit);
  return xmlReply('ListPartsResult', {
    Bucket: bucket.name,
    Key: encode(key),
    UploadId: uploadId,
    StorageClass: 'Standard',
    PartNumberMarker: marker,
    NextPartNumberMarker: shown.at(-1)?.number ?? marker,
    MaxParts: limit,
    IsTruncated: waiting.length > shown.length,
    Part: shown.map(({ number, lastModified, md5, crc64, size }) => ({
      PartNumber: number,
      LastModified: lastModified,
      ETag: `"${md5.toUpperCase()}"`,
      HashCrc64ecma: crc64,
      Size: size,
    })),
  });
}

function text(query: ReadonlyMap<string, string>, name: string): string {
  return query.get(name) ?? '';
}
