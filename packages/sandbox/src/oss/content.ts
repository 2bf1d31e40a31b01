import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Crc64, joinCrc64 } from './crc64.ts';
import { OssError } from './error.ts';

/** Bytes on disk and what is known about them. */
export interface Content {
  /** Absolute path of a file with exactly these bytes. */
  readonly body: string;
  readonly size: number;
  /** Lower-case hex. */
  readonly md5: string;
  /** Unsigned decimal, as in `x-oss-hash-crc64ecma`. */
  readonly crc64: string;
}

/**
 * Streams bytes into a new file while hashing them; the file is gone again when that fails.
 * @param contentMd5 the Content-MD5 header, when there is one.
 * @throws OssError InvalidDigest when that is no MD5 in base64, or not the one of these bytes.
 */
export async function writeContent(
  source: Readable | AsyncIterable<Buffer>,
  body: string,
  contentMd5?: string,
): Promise<Content> {
  const expected = contentMd5 === undefined ? undefined : parseContentMd5(contentMd5);
  const md5 = createHash('md5');
  const crc64 = new Crc64();
  let size = 0;
  const hash = async function* (chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const chunk of chunks) {
      md5.update(chunk);
      crc64.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  };
  try {
    await pipeline(source, hash, createWriteStream(body, { flags: 'wx', highWaterMark: 1024 * 1024 }));
    const actual = md5.digest('hex');
    if (contentMd5 !== undefined && actual !== expected) throw invalidDigest(contentMd5, '0017-00000503');
    return { body, size, md5: actual, crc64: crc64.digest() };
  } catch (error) {
    await rm(body, { force: true });
    throw error;
  }
}

/**
 * Joins contents into a new file. OSS does that without looking at a byte again; here they are copied, and no more: the
 * checksum follows from those of the pieces, and `md5` is that of their MD5s, of which OSS makes the ETag.
 */
export async function joinContents(pieces: readonly Content[], body: string): Promise<Content> {
  const bytes = async function* (): AsyncIterable<Buffer> {
    for (const piece of pieces) yield* createReadStream(piece.body, { highWaterMark: 1024 * 1024 });
  };
  try {
    await pipeline(bytes, createWriteStream(body, { flags: 'wx', highWaterMark: 1024 * 1024 }));
  } catch (error) {
    await rm(body, { force: true });
    throw error;
  }
  const md5 = createHash('md5');
  for (const piece of pieces) md5.update(piece.md5, 'hex');
  const size = pieces.reduce((sum, piece) => sum + piece.size, 0);
  const crc64 = pieces.reduce((sum, piece) => joinCrc64(sum, piece.crc64, piece.size), '0');
  return { body, size, md5: md5.digest('hex'), crc64 };
}

function parseContentMd5(header: string): string {
  const bytes = Buffer.from(header, 'base64');
  if (bytes.length !== 16 || bytes.toString('base64') !== header) throw invalidDigest(header, '0017-00000502');
  return bytes.toString('hex');
}

/** @throws OssError InvalidDigest when a Content-MD5 header was sent and is not the MD5 of these bytes. */
export function checkContentMd5(contentMd5: string | undefined, bytes: Uint8Array): void {
  if (contentMd5 === undefined || parseContentMd5(contentMd5) === createHash('md5').update(bytes).digest('hex')) return;
  throw invalidDigest(contentMd5, '0017-00000503');
}

function invalidDigest(header: string, ec: string): OssError {
  const details = { 'Content-MD5': header };
  return new OssError(400, 'InvalidDigest', 'The Content-MD5 you specified was invalid.', { ec, details });
}
