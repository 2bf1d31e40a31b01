import { createHash } from 'node:crypto';
import type { Log } from '../util/log.ts';
import { mapPooled } from '../util/pool.ts';
import type { Progress } from '../util/progress.ts';
import { formatBytes } from '../util/units.ts';
import type { Part, Source } from './content-digest.ts';
import { isLost, type OssBucket, type StoredPart, type WriteOptions } from './oss-bucket.ts';
import { discardUpload, listUnfinished } from './unfinished-uploads.ts';

/** Parts under way at once. */
const PARTS_AT_ONCE = 4;

/**
 * An upload in parts that goes on where it, or an earlier run, has stopped.
 *
 * A runner is fresh each time, so what is remembered is asked of OSS: the unfinished uploads of the key, and their
 * parts. A part is kept when its number, size and MD5 are ours.
 */
export class MultipartUpload {
  readonly #bucket: OssBucket;
  readonly #key: string;
  readonly #source: Source;
  readonly #options: WriteOptions;
  readonly #adopts: boolean;
  readonly #log: Log;
  readonly #progress: Progress;
  /** ETags of the parts that are there, by number. */
  readonly #stored = new Map<number, string>();
  #uploadId: string | undefined;
  #restarted = false;

  /** `adopt` says whether an upload that an earlier run has begun may be gone on with. */
  constructor(
    bucket: OssBucket,
    key: string,
    source: Source,
    { adopt, ...options }: WriteOptions & { readonly adopt: boolean },
    { log, progress }: { readonly log: Log; readonly progress: Progress },
  ) {
    this.#bucket = bucket;
    this.#key = key;
    this.#source = source;
    this.#options = options;
    this.#adopts = adopt;
    this.#log = log;
    this.#progress = progress;
  }

  /** Uploads the parts that are missing and completes; returns the checksum that OSS has of the object. Can be repeated. */
  async run(): Promise<string | undefined> {
    try {
      const uploadId = await this.#open();
      const missing = this.#source.parts.filter(({ number }) => !this.#stored.has(number));
      await mapPooled(lastFirst(missing), PARTS_AT_ONCE, (part) => this.#send(uploadId, part));
      const parts = [...this.#stored].map(([number, etag]) => ({ number, etag }));
      const crc64 = await this.#bucket.completeUpload(this.#key, uploadId, parts, this.#options);
      this.#uploadId = undefined;
      return crc64;
    } catch (error) {
      if (isLost(error)) this.#forget();
      throw error;
    }
  }

  /** Throws away the parts that were stored and did not become an object. */
  async abort(): Promise<void> {
    if (this.#uploadId !== undefined) await discardUpload(this.#bucket, this.#key, this.#uploadId, this.#log);
  }

  async #open(): Promise<string> {
    if (this.#uploadId === undefined && this.#adopts) this.#uploadId = await this.#resume();
    this.#uploadId ??= await this.#bucket.startUpload(this.#key, this.#options);
    return this.#uploadId;
  }

  async #send(uploadId: string, part: Part): Promise<void> {
    const etag = await this.#bucket.uploadPart(this.#key, uploadId, part, this.#source.open);
    this.#stored.set(part.number, etag);
    this.#progress.add(part.end - part.start);
  }

  #forget(): void {
    const lost = this.#source.parts.filter(({ number }) => this.#stored.has(number));
    this.#progress.skip(-sizeOf(lost));
    this.#stored.clear();
    this.#uploadId = undefined;
    this.#restarted = true;
  }

  /**
   * Finds the unfinished upload of this content, and keeps its parts; aborts those of other contents, which would be
   * stored, and paid, for ever. One without parts is left alone: it holds nothing, and may be of a run that has just
   * begun. After a restart all others are left alone: somebody is at work on the key, and two runs that abort each
   * other's uploads would never end.
   */
  async #resume(): Promise<string | undefined> {
    let found: string | undefined;
    for (const { uploadId, parts: listed } of await listUnfinished(this.#bucket, this.#key, this.#log)) {
      const kept = found === undefined ? await this.#ours(listed) : [];
      if (kept.length > 0) {
        found = uploadId;
        for (const [{ number }, etag] of kept) this.#stored.set(number, etag);
        const bytes = sizeOf(kept.map(([part]) => part));
        this.#progress.skip(bytes);
        this.#log.info(`continues an upload of which ${formatBytes(bytes)} in ${kept.length} parts are there`);
      } else if (listed.length > 0 && !this.#restarted) {
        await discardUpload(this.#bucket, this.#key, uploadId, this.#log);
      }
    }
    return found;
  }

  /**
   * Returns the listed parts when all of them are ours, else none.
   *
   * The listing does not tell the metadata that an upload was begun with, and that holds the SHA-256 of the content; so
   * the parts have to tell that it is this one. The last part tells most, for a gzip file ends with a checksum of all
   * of it; this is why it is sent first. An upload of other content that shares all parts so far can still be taken for
   * ours: whoever completes it looks at the object's metadata afterwards.
   */
  async #ours(listed: readonly StoredPart[]): Promise<[part: Part, etag: string][]> {
    const byNumber = new Map(this.#source.parts.map((part) => [part.number, part]));
    const ours: [Part, string][] = [];
    for (const { number, size, etag } of listed) {
      const part = byNumber.get(number);
      if (part === undefined || size !== part.end - part.start || etag !== (await this.#etagOf(part))) return [];
      ours.push([part, etag]);
    }
    return ours;
  }

  async #etagOf({ start, end }: Part): Promise<string> {
    const md5 = createHash('md5');
    for await (const chunk of this.#source.open(start, end)) md5.update(chunk);
    return `"${md5.digest('hex').toUpperCase()}"`;
  }
}

function lastFirst(parts: readonly Part[]): Part[] {
  return [...parts.slice(-1), ...parts.slice(0, -1)];
}

function sizeOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { start, end }) => sum + end - start, 0);
}
