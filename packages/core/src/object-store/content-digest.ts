import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { ActionError, ConfigurationError, messageOf } from '../errors.ts';
import { Crc64, combineCrc64 } from './crc64.ts';

const MEBIBYTE = 1024 * 1024;

/** Smaller parts cost more requests than they save; a content up to this size is put in one request. */
export const SMALLEST_PART = 8 * MEBIBYTE;

/** OSS takes 10,000 parts; one page of a listing has 1,000. */
const MOST_PARTS = 1000;

/** One part of a content, from `start` to before `end`. */
export interface Part {
  /** From 1. */
  readonly number: number;
  readonly start: number;
  readonly end: number;
  /** Decimal, as OSS writes it. */
  readonly crc64: string;
}

/** What tells a content from every other one. */
export interface ContentDigest {
  /** Bytes. */
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** Decimal, as OSS writes it. */
  readonly crc64: string;
}

/** Bytes that can be read again from any place, with their checksums. */
export interface Source {
  readonly digest: ContentDigest;
  /** At least one, and only one when the content is not larger than `SMALLEST_PART`. */
  readonly parts: readonly Part[];
  open(start: number, end: number): AsyncIterable<Buffer>;
}

/** Returns bytes in memory as a source; for small things only. */
export async function bytesSource(bytes: Buffer): Promise<Source> {
  const openRange: Source['open'] = async function* (start, end) {
    yield bytes.subarray(start, end);
  };
  return { ...(await digestChunks(bytes.length, openRange(0, bytes.length))), open: openRange };
}

/** Reads a file once, for all its checksums; throws a ConfigurationError when it cannot be read. */
export async function fileSource(path: string): Promise<Source> {
  try {
    await using file = await open(path);
    const stats = await file.stat();
    if (!stats.isFile()) throw new Error('it is no file');
    const digests = await digestChunks(stats.size, readThrough(file));
    return { ...digests, open: (start, end) => openRange(path, start, end) };
  } catch (error) {
    if (error instanceof ActionError) throw error;
    throw new ConfigurationError('file-missing', `Cannot read ${path}: ${messageOf(error)}.`, { cause: error });
  }
}

/**
 * Reads a range of a file; nothing is opened before the first bytes are asked for. Throws an ActionError `file-changed`
 * when the file is gone or has become shorter, for reading it again is of no use.
 */
async function* openRange(path: string, start: number, end: number): AsyncGenerator<Buffer, void> {
  await using file = await openAgain(path);
  for (let at = start; at < end; ) {
    const buffer = Buffer.allocUnsafe(Math.min(MEBIBYTE, end - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) throw fileChanged(`${path} ends at ${at} bytes, and had more when it was read first`);
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function openAgain(path: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (error) {
    throw fileChanged(`${path} could be read, and now it cannot: ${messageOf(error)}`, error);
  }
}

/** The content is not what it was when it was digested; sending it again cannot heal that. */
export function fileChanged(what: string, cause?: unknown): ActionError {
  return new ActionError('file-changed', `${what}. Is the file still written to, or cleaned up too early?`, { cause });
}

/** Tells whether a part of a source is still what it was when the source was digested; reads it again. */
export async function isUnchanged({ open }: Pick<Source, 'open'>, { start, end, crc64 }: Part): Promise<boolean> {
  const crc = new Crc64();
  for await (const chunk of open(start, end)) crc.update(chunk);
  return String(crc.digest()) === crc64;
}

/** Yields the same buffer again and again: a fresh one for each mebibyte would fill the memory faster than it is freed. */
async function* readThrough(file: FileHandle): AsyncGenerator<Buffer, void> {
  const buffer = Buffer.allocUnsafe(MEBIBYTE);
  while (true) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function digestChunks(size: number, chunks: AsyncIterable<Buffer>): Promise<Omit<Source, 'open'>> {
  const partSize = partSizeFor(size);
  const sha256 = createHash('sha256');
  const parts: Part[] = [];
  let crc = new Crc64();
  let at = 0;
  const close = (): void => {
    const start = parts.length * partSize;
    parts.push({ number: parts.length + 1, start, end: at, crc64: String(crc.digest()) });
    crc = new Crc64();
  };
  for await (const chunk of chunks) {
    sha256.update(chunk);
    for (let rest = chunk; rest.length > 0; ) {
      const piece = rest.subarray(0, partSize - (at % partSize));
      crc.update(piece);
      at += piece.length;
      rest = rest.subarray(piece.length);
      if (at % partSize === 0) close();
    }
  }
  if (parts.length * partSize < at || parts.length === 0) close();
  if (at !== size) {
    throw fileChanged(`The file had ${size} bytes, and then ${at}`);
  }
  return { digest: { size, sha256: sha256.digest('hex'), crc64: combineParts(parts) }, parts };
}

/** Returns the size of parts such that they are not too many; whole mebibytes. */
export function partSizeFor(size: number): number {
  return Math.max(SMALLEST_PART, Math.ceil(size / MOST_PARTS / MEBIBYTE) * MEBIBYTE);
}

/** Returns the checksum of a content from those of its parts, which are in order. */
export function combineParts(parts: readonly Part[]): string {
  return String(parts.reduce((crc, part) => combineCrc64(crc, BigInt(part.crc64), part.end - part.start), 0n));
}
