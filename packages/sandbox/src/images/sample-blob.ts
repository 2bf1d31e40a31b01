import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Content with its digest, in memory or on disk. */
export interface SampleBlob {
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  readonly content: Buffer | { readonly path: string };
}

/** Opens a blob for reading; every call starts at the beginning. */
export function openBlob(blob: SampleBlob): Readable {
  if (Buffer.isBuffer(blob.content)) return Readable.from([blob.content], { objectMode: false });
  return createReadStream(blob.content.path, { highWaterMark: 1024 * 1024 });
}

export function memoryBlob(content: Buffer): SampleBlob {
  const hex = createHash('sha256').update(content).digest('hex');
  return { digest: `sha256:${hex}`, size: content.length, content };
}

/** Collects a stream into a blob; given a directory, into a file there that is named by its digest. */
export async function collectBlob(source: Readable, directory: string | undefined): Promise<SampleBlob> {
  if (directory === undefined) {
    const chunks: Buffer[] = [];
    for await (const chunk of source as AsyncIterable<Buffer>) chunks.push(chunk);
    return memoryBlob(Buffer.concat(chunks));
  }
  await mkdir(directory, { recursive: true });
  const temporary = join(directory, `${randomUUID()}.partial`);
  const hash = createHash('sha256');
  const file = createWriteStream(temporary, { highWaterMark: 1024 * 1024 });
  let size = 0;
  const measured = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  };
  try {
    await pipeline(source, measured, file);
    const hex = hash.digest('hex');
    const path = join(directory, hex);
    await rename(temporary, path);
    return { digest: `sha256:${hex}`, size, content: { path } };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
