import { readBody } from '../http-server.ts';
import { checkContentMd5, joinContents, writeContent } from './content.ts';
import { fileAlreadyExists, invalidArgument, noSuchUpload, OssError } from './error.ts';
import {
  type Exchange,
  forbidsOverwrite,
  headerOf,
  objectHeadersOf,
  type Reply,
  requireContentLength,
  xmlReply,
} from './exchange.ts';
import { keyEncoder } from './listing.ts';
import { parsePartList } from './part-list.ts';
import type { StoredPart, StoredUpload } from './upload-store.ts';

const SMALLEST_PART = 100 * 1024;
const FORBIDDEN_BY_INITIATE = '0026-00000002';
const FORBIDDEN_BY_COMPLETE = '0042-00000214';

/** https://help.aliyun.com/en/oss/developer-reference/initiatemultipartupload */
export async function initiateUpload(exchange: Exchange, key: string): Promise<Reply> {
  const { bucket, query, now } = exchange;
  const encode = keyEncoder(query);
  if (forbidsOverwrite(exchange) && (await bucket.objects.read(key)) !== undefined) {
    throw fileAlreadyExists(FORBIDDEN_BY_INITIATE);
  }
  const upload = await bucket.uploads.initiate({ ...objectHeadersOf(exchange), key, initiated: now.toISOString() });
  return xmlReply('InitiateMultipartUploadResult', {
    Bucket: bucket.name,
    Key: encode(key),
    UploadId: upload.uploadId,
  });
}

/** https://help.aliyun.com/en/oss/developer-reference/uploadpart */
export async function uploadPart(exchange: Exchange, key: string, uploadId: string): Promise<Reply> {
  const { uploads } = exchange.bucket;
  const text = exchange.query.get('partNumber') ?? '';
  const number = Number(text);
  if (!/^\d{1,5}$/.test(text) || number < 1 || number > 10_000) {
    throw invalidArgument('PartNumber must be an integer between 1 and 10000.', 'partNumber', text);
  }
  requireContentLength(exchange);
  await findUpload(exchange, key, uploadId);
  const content = await writeContent(exchange.request, uploads.newBody(uploadId), headerOf(exchange, 'content-md5'));
  await uploads.commitPart(uploadId, { ...content, number, lastModified: exchange.now.toISOString() });
  return {
    status: 200,
    headers: {
      etag: `"${content.md5.toUpperCase()}"`,
      'content-md5': Buffer.from(content.md5, 'hex').toString('base64'),
      'x-oss-hash-crc64ecma': content.crc64,
    },
  };
}

/** https://help.aliyun.com/en/oss/developer-reference/completemultipartupload */
export async function completeUpload(exchange: Exchange, key: string, uploadId: string): Promise<Reply> {
  const encode = keyEncoder(exchange.query);
  const body = await readBody(exchange.request);
  checkContentMd5(headerOf(exchange, 'content-md5'), body);
  return exchange.bucket.uploads.alone(uploadId, async () => {
    const upload = await findUpload(exchange, key, uploadId);
    const parts = chooseParts(exchange, await exchange.bucket.uploads.parts(uploadId), body.toString());
    const object = await assemble(exchange, upload, parts);
    return xmlReply(
      'CompleteMultipartUploadResult',
      {
        Location: `http://${exchange.request.headers.host ?? ''}${(exchange.request.url ?? '').split('?')[0]}`,
        Bucket: exchange.bucket.name,
        Key: encode(key),
        ETag: `"${object.etag}"`,
      },
      { etag: `"${object.etag}"`, 'x-oss-hash-crc64ecma': object.crc64 },
    );
  });
}

/** https://help.aliyun.com/en/oss/developer-reference/abortmultipartupload */
export async function abortUpload(exchange: Exchange, key: string, uploadId: string): Promise<Reply> {
  const { uploads } = exchange.bucket;
  return uploads.alone(uploadId, async () => {
    await findUpload(exchange, key, uploadId);
    await uploads.remove(uploadId);
    return { status: 204 };
  });
}

/** @throws OssError NoSuchUpload, also when the upload is one for another key. */
export async function findUpload({ bucket }: Exchange, key: string, uploadId: string): Promise<StoredUpload> {
  const upload = await bucket.uploads.read(uploadId);
  if (upload?.key !== key) throw noSuchUpload(uploadId);
  return upload;
}

/** Finds the stored parts that the object is to be made of, by the body or by `x-oss-complete-all: yes`. */
function chooseParts(exchange: Exchange, stored: readonly StoredPart[], body: string): StoredPart[] {
  const completeAll = headerOf(exchange, 'x-oss-complete-all');
  if (completeAll !== undefined && completeAll !== 'yes') {
    throw invalidArgument('x-oss-complete-all must be yes.', 'x-oss-complete-all', completeAll);
  }
  if (completeAll === 'yes' && body !== '') {
    const message = 'Should not specify both complete all header and http body.';
    throw invalidArgument(message, 'x-oss-complete-all', completeAll, '0042-00000216');
  }
  const chosen = completeAll === 'yes' ? [...stored] : matchParts(stored, body);
  const tooSmall = chosen.slice(0, -1).find(({ size }) => size < SMALLEST_PART);
  if (tooSmall !== undefined) {
    throw new OssError(400, 'EntityTooSmall', 'Your proposed upload smaller than the minimum allowed size.', {
      ec: '0042-00000213',
      details: {
        MinSizeAllowed: String(SMALLEST_PART),
        ProposedSize: String(tooSmall.size),
        PartNumber: String(tooSmall.number),
      },
    });
  }
  if (chosen.length === 0) throw invalidPart(1);
  return chosen;
}

function matchParts(stored: readonly StoredPart[], body: string): StoredPart[] {
  const listed = parsePartList(body);
  if (listed.some(({ number }, index) => number <= (listed[index - 1]?.number ?? 0))) {
    const message = 'The list of parts was not in ascending order. Parts list must specified in order by part number.';
    throw new OssError(400, 'InvalidPartOrder', message, { ec: '0042-00000209' });
  }
  const byNumber = new Map(stored.map((part) => [part.number, part]));
  return listed.map(({ number, etag }) => {
    const part = byNumber.get(number);
    if (part?.md5.toUpperCase() !== etag) throw invalidPart(number);
    return part;
  });
}

function invalidPart(number: number): OssError {
  const message =
    "One or more of the specified parts could not be found or the specified entity tag might not have matched the part's entity tag.";
  return new OssError(400, 'InvalidPart', message, { details: { PartNumber: String(number) } });
}

async function assemble(
  exchange: Exchange,
  upload: StoredUpload,
  parts: readonly StoredPart[],
): Promise<{ etag: string; crc64: string }> {
  const { bucket, now } = exchange;
  const { objects, uploads } = bucket;
  const forbid = forbidsOverwrite(exchange);
  if (forbid && (await objects.read(upload.key)) !== undefined) throw fileAlreadyExists(FORBIDDEN_BY_COMPLETE);
  const content = await joinContents(parts, objects.newBody());
  const etag = `${content.md5.toUpperCase()}-${parts.length}`;
  const { key, headers, meta } = upload;
  const object = { ...content, key, headers, meta, etag, type: 'Multipart', lastModified: now.toISOString() } as const;
  if (!(await objects.commit(object, forbid))) throw fileAlreadyExists(FORBIDDEN_BY_COMPLETE);
  await uploads.remove(upload.uploadId);
  return object;
}
