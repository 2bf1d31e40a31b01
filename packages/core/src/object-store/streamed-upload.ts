import { createHash } from 'node:crypto';
import type { Content } from '../util/content.ts';
import type { Log } from '../util/log.ts';
import type { Progress } from '../util/progress.ts';
import type { ContentDigest } from './content-digest.ts';
import { ContentParts, digestContent, type PartBytes } from './content-parts.ts';
import { isLost, isTaken, type OssBucket, type StoredPart, type WriteOptions } from './oss-bucket.ts';
import { discardUpload, listUnfinished, type UnfinishedUpload } from './unfinished-uploads.ts';

/** Bytes that are handed to the connection at once: whoever waits sees that they move. */
const CHUNK = 256 * 1024;

/**
 * An upload in parts of content that is made while it is sent, and read once.
 *
 * It goes on where an earlier run was stopped, on whichever machine: the content has the same bytes every time. It is read
 * from its beginning in any case, for its SHA-256 is over all of it, so nothing would be gained by reading it from the first
 * part that is missing. A part that has to be sent again is in memory still. A part that OSS has with our MD5 is not sent; any other one
 * replaces what stands there. Nothing is completed but our own parts, so an upload that was begun for other content does
 * no harm to ours.
 */
export class StreamedUpload {
  readonly #bucket: OssBucket;
  readonly #key: string;
  readonly #content: Content;
  readonly #options: WriteOptions;
  readonly #adopts: boolean;
  readonly #log: Log;
  readonly #progress: Progress;
  /** Parts that an earlier run has stored, by number. */
  readonly #stored = new Map<number, StoredPart>();
  #uploadId: string | undefined;
  #restarted = false;
  #counted = 0;
  #digest: ContentDigest | undefined;

  /** `adopt` says whether an upload that an earlier run has begun may be gone on with. */
  constructor(
    bucket: OssBucket,
    key: string,
    content: Content,
    { adopt, ...options }: WriteOptions & { readonly adopt: boolean },
    { log, progress }: { readonly log: Log; readonly progress: Progress },
  ) {
    this.#bucket = bucket;
    this.#key = key;
    this.#content = content;
    this.#options = options;
    this.#adopts = adopt;
    this.#log = log;
    this.#progress = progress;
  }

  /** What the content has turned out to be; undefined before all of it was read. */
  get digest(): ContentDigest | undefined {
    return this.#digest;
  }

  /** Uploads the parts that are missing and completes; returns the checksum that OSS has of the object. Can be repeated. */
  async run(): Promise<string | undefined> {
    this.#progress.skip(-this.#counted);
    this.#counted = 0;
    try {
      const parts = new ContentParts(this.#content);
      const uploadId = await this.#open(parts);
      const etags = new Map<number, string>();
      await forEachPooled(parts.read(), parts.window, async (bytes) => {
        etags.set(bytes.part.number, await this.#send(uploadId, bytes));
      });
      this.#digest = parts.digest();
      const listed = [...etags].map(([number, etag]) => ({ number, etag }));
      const crc64 = await this.#bucket.completeUpload(this.#key, uploadId, listed, this.#options);
      this.#uploadId = undefined;
      return crc64;
    } catch (error) {
      if (isLost(error)) {
        this.#uploadId = undefined;
        this.#restarted = true;
      }
      // Whether it is our content that somebody else has put there meanwhile, its digest alone can tell.
      if ((isLost(error) || isTaken(error)) && (await this.#isThere())) {
        this.#digest ??= await digestContent(this.#content);
      }
      throw error;
    }
  }

  /** Throws away the parts that were stored and did not become an object. */
  async abort(): Promise<void> {
    if (this.#uploadId !== undefined) await discardUpload(this.#bucket, this.#key, this.#uploadId, this.#log);
  }

  async #isThere(): Promise<boolean> {
    return (await this.#bucket.head(this.#key).catch(() => undefined)) !== undefined;
  }

  async #open(parts: ContentParts): Promise<string> {
    this.#stored.clear();
    const found = this.#adopts && !this.#restarted ? await this.#find(parts) : undefined;
    for (const part of found?.parts ?? []) this.#stored.set(part.number, part);
    this.#uploadId = found?.uploadId ?? this.#uploadId ?? (await this.#bucket.startUpload(this.#key, this.#options));
    return this.#uploadId;
  }

  /**
   * Finds the unfinished upload with the most parts of our lengths, and aborts all others that hold parts: they would be
   * stored, and paid, for ever. One without parts may be of a run that has just begun.
   */
  async #find(parts: ContentParts): Promise<UnfinishedUpload | undefined> {
    const held = (await listUnfinished(this.#bucket, this.#key, this.#log)).filter((upload) => upload.parts.length > 0);
    const fitting = held.filter((upload) => upload.parts.every(({ number, size }) => size === parts.lengthOf(number)));
    const [found] = fitting.sort((a, b) => b.parts.length - a.parts.length);
    for (const { uploadId } of held) {
      if (uploadId !== found?.uploadId) await discardUpload(this.#bucket, this.#key, uploadId, this.#log);
    }
    if (found !== undefined) this.#log.info(`continues an upload of which ${found.parts.length} parts are there`);
    return found;
  }

  /** Sees to it that a part is there; returns its ETag. */
  async #send(uploadId: string, { part, bytes, release }: PartBytes): Promise<string> {
    try {
      const stored = this.#stored.get(part.number);
      const etag = stored?.size === bytes.length && stored.etag === etagOf(bytes) ? stored.etag : undefined;
      const sent = etag ?? (await this.#bucket.uploadPart(this.#key, uploadId, part, () => chunksOf(bytes)));
      this.#counted += bytes.length;
      if (etag === undefined) this.#progress.add(bytes.length);
      else this.#progress.skip(bytes.length);
      return sent;
    } finally {
      release();
    }
  }
}

function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex').toUpperCase()}"`;
}

async function* chunksOf(bytes: Buffer): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}

/**
 * Runs `operation` on every item as it comes, at most `size` at once. The first failure is thrown, after everything that
 * had started has ended; no further item is asked for.
 */
async function forEachPooled<T>(
  items: AsyncIterable<T>,
  size: number,
  operation: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  try {
    for await (const item of items) {
      const work: Promise<void> = operation(item)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => running.delete(work));
      running.add(work);
      while (running.size >= size && failures.length === 0) await Promise.race(running);
      if (failures.length > 0) break;
    }
  } finally {
    await Promise.all(running);
  }
  if (failures.length > 0) throw failures[0];
}
