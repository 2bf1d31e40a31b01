import { writeContent } from './content.ts';
import { fileAlreadyExists, noSuchKey } from './error.ts';
import {
  type Exchange,
  forbidsOverwrite,
  headerOf,
  objectHeadersOf,
  type Reply,
  requireContentLength,
} from './exchange.ts';
import type { StoredObject } from './object-store.ts';
import { rangeOf } from './range.ts';

const FORBIDDEN_BY_PUT = '0026-00000002';

/** https://help.aliyun.com/en/oss/developer-reference/putobject */
export async function putObject(exchange: Exchange, key: string): Promise<Reply> {
  const { objects } = exchange.bucket;
  const forbid = forbidsOverwrite(exchange);
  requireContentLength(exchange);
  if (forbid && (await objects.read(key)) !== undefined) throw fileAlreadyExists(FORBIDDEN_BY_PUT);
  const content = await writeContent(exchange.request, objects.newBody(), headerOf(exchange, 'content-md5'));
  const object: StoredObject = {
    ...content,
    ...objectHeadersOf(exchange),
    key,
    etag: content.md5.toUpperCase(),
    type: 'Normal',
    lastModified: exchange.now.toISOString(),
  };
  if (!(await objects.commit(object, forbid))) throw fileAlreadyExists(FORBIDDEN_BY_PUT);
  return {
    status: 200,
    headers: {
      etag: `"${object.etag}"`,
      'content-md5': Buffer.from(content.md5, 'hex').toString('base64'),
      'x-oss-hash-crc64ecma': content.crc64,
    },
  };
}

/** https://help.aliyun.com/en/oss/developer-reference/headobject */
export async function headObject({ bucket }: Exchange, key: string): Promise<Reply> {
  const object = await bucket.objects.read(key);
  if (object === undefined) throw noSuchKey(key);
  return { status: 200, headers: { ...describe(object), 'content-length': String(object.size) } };
}

/** https://help.aliyun.com/en/oss/developer-reference/getobject */
export async function getObject(exchange: Exchange, key: string): Promise<Reply> {
  const opened = await exchange.bucket.objects.openBody(key);
  if (opened === undefined) throw noSuchKey(key);
  const { record, file } = opened;
  const standard = headerOf(exchange, 'x-oss-range-behavior') === 'standard';
  try {
    const range = rangeOf(headerOf(exchange, 'range'), record.size, standard);
    const size = range === undefined ? record.size : range.end - range.start + 1;
    const headers = { ...describe(record), 'content-length': String(size) };
    const body = file.createReadStream({ ...range, highWaterMark: 1024 * 1024 });
    if (range === undefined) return { status: 200, headers, body };
    return {
      status: 206,
      headers: { ...headers, 'content-range': `bytes ${range.start}-${range.end}/${record.size}` },
      body,
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** https://help.aliyun.com/en/oss/developer-reference/deleteobject */
export async function deleteObject({ bucket }: Exchange, key: string): Promise<Reply> {
  await bucket.objects.remove(key);
  return { status: 204 };
}

/** The checksum is always the one of the whole object, also in the answer to a Range request. */
function describe(object: StoredObject): Record<string, string> {
  const meta = Object.entries(object.meta).map(([name, value]) => [`x-oss-meta-${name}`, value] as const);
  return {
    'content-type': 'application/octet-stream',
    ...object.headers,
    ...Object.fromEntries(meta),
    'accept-ranges': 'bytes',
    etag: `"${object.etag}"`,
    'last-modified': new Date(object.lastModified).toUTCString(),
    'x-oss-hash-crc64ecma': object.crc64,
    'x-oss-object-type': object.type,
    'x-oss-storage-class': 'Standard',
  };
}
