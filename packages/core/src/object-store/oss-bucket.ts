import { Readable } from 'node:stream';
import OSS from 'ali-oss';
import { ActionError, messageOf } from '../errors.ts';
import { ContentError } from '../util/content.ts';
import { createDispatcher, NetworkError } from '../util/http.ts';
import type { Dispatcher } from '../util/http-dispatcher.ts';
import type { Log } from '../util/log.ts';
import { RetryBudget, type RetryOptions } from '../util/retry.ts';
import { fileChanged, isUnchanged, type Part, type Source } from './content-digest.ts';
import type { OssEndpoint } from './oss-endpoint.ts';
import { DamageError, judgeOssFailure, OssError } from './oss-error.ts';
import { type OssAnswer, OssExchange } from './oss-exchange.ts';
import { formatOssUri } from './uri.ts';

export interface OssCredential {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  /** Of a temporary key. */
  readonly securityToken: string | undefined;
}

/** What HEAD tells about an object. */
export interface StoredObject {
  readonly size: number;
  /** Decimal; a few old kinds of objects have none. */
  readonly crc64: string | undefined;
  /** What the uploader noted with it, or beside it; undefined when it was not one of ours. */
  readonly sha256: string | undefined;
  /** All of the uploader's notes, by names without `x-oss-meta-`. */
  readonly meta: Readonly<Record<string, string>>;
}

/** A part as OSS knows it; the ETag is the MD5 of its bytes, upper-case hexadecimal in quotes. */
export interface StoredPart {
  readonly number: number;
  readonly size: number;
  readonly etag: string;
}

export interface WriteOptions {
  /** Undefined where it is not known yet. */
  readonly sha256: string | undefined;
  /** What else is noted with the object. */
  readonly meta?: Readonly<Record<string, string>>;
  /** Makes OSS refuse the write when there is an object already, whoever was faster. */
  readonly forbidOverwrite: boolean;
}

/**
 * One bucket: single requests, signed by ali-oss (V4 only), with retries under one budget.
 *
 * Each request gets a client of its own. A client is cheap, the connections are not its own, and it has state that
 * requests must not share: aborting one upload stops all others of the same client.
 */
export class OssBucket {
  readonly name: string;
  readonly host: string;
  readonly #options: Omit<OSS.Options, 'urllib'>;
  readonly #dispatcher: Dispatcher;
  readonly #budget: RetryBudget;
  readonly #log: Log;

  constructor(
    name: string,
    endpoint: OssEndpoint,
    credential: OssCredential,
    log: Log,
    budget: RetryBudget = new RetryBudget(),
  ) {
    const { accessKeyId, accessKeySecret, securityToken } = credential;
    this.name = name;
    this.host = endpoint.origin.host;
    this.#options = {
      accessKeyId,
      accessKeySecret,
      ...(securityToken !== undefined && { stsToken: securityToken }),
      refreshSTSTokenInterval: 300_000,
      region: endpoint.region,
      bucket: name,
      endpoint: endpoint.origin.origin,
      secure: endpoint.origin.protocol === 'https:',
      authorizationV4: true,
      cname: endpoint.pathStyle,
      sldEnable: endpoint.pathStyle,
    };
    this.#dispatcher = createDispatcher();
    this.#budget = budget;
    this.#log = log;
  }

  /** Returns what is known of an object, undefined when there is none. */
  head(key: string): Promise<StoredObject | undefined> {
    const purpose = `look up ${this.uri(key)}`;
    return this.retry(purpose, async () => {
      try {
        const { headers } = (await this.#request(purpose, (client) => client.head(key))).res;
        return {
          size: Number(this.#text(headers['content-length'], purpose)),
          crc64: headers['x-oss-hash-crc64ecma'],
          sha256: headers['x-oss-meta-sha256'],
          meta: readMeta(headers),
        };
      } catch (error) {
        // The answer to a HEAD may come without a document; then it is the object that is missing.
        const missing = error instanceof OssError && error.status === 404 && error.ossCode !== 'NoSuchBucket';
        if (missing) return undefined;
        throw error;
      }
    });
  }

  /** Puts a small object; OSS compares it with the MD5 that goes along. Returns the checksum that OSS has. */
  put(key: string, bytes: Buffer, options: WriteOptions): Promise<string | undefined> {
    const purpose = `upload ${this.uri(key)}`;
    return this.retry(purpose, async () => {
      const { res } = await this.#request(purpose, (client) => client.put(key, bytes, requestOptions(options)));
      return res.headers['x-oss-hash-crc64ecma'];
    });
  }

  /** Begins an upload in parts and returns its id. */
  startUpload(key: string, options: WriteOptions): Promise<string> {
    const purpose = `begin the upload of ${this.uri(key)}`;
    return this.retry(purpose, async () => {
      const { uploadId } = await this.#request(purpose, (client) =>
        client.initMultipartUpload(key, requestOptions(options)),
      );
      return this.#text(uploadId, purpose);
    });
  }

  /**
   * Uploads one part and compares the checksum that OSS has with ours; returns the part's ETag. When they differ, the
   * file tells whether the part was damaged on its way, which another try heals, or the file itself has changed.
   */
  uploadPart(key: string, uploadId: string, part: Part, open: Source['open']): Promise<string> {
    const { number, start, end, crc64 } = part;
    const purpose = `upload part ${number} of ${this.uri(key)}`;
    return this.retry(purpose, async () => {
      const { etag, res } = await this.#request(purpose, (client) =>
        client.uploadPart(key, uploadId, number, Readable.from(open(start, end), { objectMode: false }), start, end),
      );
      const stored = res.headers['x-oss-hash-crc64ecma'];
      if (stored !== undefined && stored !== crc64) {
        if (!(await isUnchanged({ open }, part))) {
          throw fileChanged(`Part ${number} of ${this.uri(key)} is not what it was when the file was read first`);
        }
        throw new DamageError(
          'part-damaged',
          `${this.host}: part ${number} of ${this.uri(key)} has the CRC64 ${stored} in OSS instead of ${crc64}: it was ` +
            'damaged on its way. Run again; when it stays so, see what stands between here and OSS.',
        );
      }
      return etag;
    });
  }

  /** Makes one object of the parts; returns the checksum that OSS has of it. */
  completeUpload(
    key: string,
    uploadId: string,
    parts: readonly { readonly number: number; readonly etag: string }[],
    { forbidOverwrite }: WriteOptions,
  ): Promise<string | undefined> {
    const purpose = `complete the upload of ${this.uri(key)}`;
    const options = { headers: overwriteHeaders(forbidOverwrite) };
    return this.retry(purpose, async () => {
      const { res } = await this.#request(purpose, (client) =>
        client.completeMultipartUpload(key, uploadId, parts, options),
      );
      return res.headers['x-oss-hash-crc64ecma'];
    });
  }

  abortUpload(key: string, uploadId: string): Promise<void> {
    const purpose = `abort an upload of ${this.uri(key)}`;
    return this.retry(purpose, async () => {
      try {
        await this.#request(purpose, (client) => client.abortMultipartUpload(key, uploadId));
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    });
  }

  /** Returns the ids of the unfinished uploads of exactly this key. */
  async listUploads(key: string): Promise<string[]> {
    const purpose = `list the unfinished uploads of ${this.uri(key)}`;
    const ids: string[] = [];
    let marker: Record<string, string> = {};
    while (true) {
      const query = { prefix: key, ...marker };
      const page = await this.retry(purpose, () => this.#request(purpose, (client) => client.listUploads(query)));
      for (const { name, uploadId } of page.uploads) if (name === key) ids.push(this.#text(uploadId, purpose));
      if (!page.isTruncated) return ids;
      marker = {
        'key-marker': this.#text(page.nextKeyMarker, purpose),
        'upload-id-marker': this.#text(page.nextUploadIdMarker, purpose),
      };
    }
  }

  /** Returns the parts that an unfinished upload has; none when it is gone by now. */
  async listParts(key: string, uploadId: string): Promise<StoredPart[]> {
    const purpose = `list the parts of an upload of ${this.uri(key)}`;
    const parts: StoredPart[] = [];
    for (let marker = '0'; ; ) {
      const query = { 'part-number-marker': marker };
      const page = await this.retry(purpose, () =>
        this.#request(purpose, (client) => client.listParts(key, uploadId, query)).catch((error: unknown) => {
          if (isGone(error)) return undefined;
          throw error;
        }),
      );
      if (page === undefined) return [];
      parts.push(...readParts(page.parts));
      if (page.isTruncated !== 'true') return parts;
      marker = this.#text(page.nextPartNumberMarker, purpose);
    }
  }

  /** Runs an operation of one or more requests under the budget of this bucket. */
  retry<T>(purpose: string, operation: () => Promise<T>, judge: RetryOptions['judge'] = judgeOssFailure): Promise<T> {
    return this.#budget.run(operation, {
      judge,
      onRetry: (error, pause) =>
        this.#log.info(`Trying again in ${(pause / 1000).toFixed(1)} s to ${purpose}: ${messageOf(error)}`),
    });
  }

  uri(key: string): string {
    return formatOssUri({ bucket: this.name, key });
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #request<T>(purpose: string, work: (client: OSS) => Promise<T>): Promise<T> {
    const exchange = new OssExchange(this.#dispatcher);
    try {
      return await work(new OSS({ ...this.#options, urllib: exchange }));
    } catch (error) {
      if (exchange.failure !== undefined)
        throw sourceFailure(exchange.failure) ?? this.#lost(purpose, exchange.failure);
      const { answer } = exchange;
      if (answer !== undefined && answer.status >= 300) throw this.#refusal(purpose, answer);
      if (answer === undefined) throw error;
      throw new DamageError('bad-answer', `${this.host}: cannot ${purpose}: the answer cannot be read.`, {
        cause: error,
      });
    }
  }

  /** Makes a lost connection say what it was needed for. */
  #lost(purpose: string, failure: unknown): unknown {
    return failure instanceof NetworkError ? failure.during(`${this.host}: cannot ${purpose}`) : failure;
  }

  #refusal(purpose: string, answer: OssAnswer): OssError {
    const { accessKeySecret, stsToken } = this.#options;
    return new OssError(this.host, purpose, answer, [accessKeySecret, ...(stsToken === undefined ? [] : [stsToken])]);
  }

  #text(value: unknown, purpose: string): string {
    if (typeof value === 'string' && value !== '') return value;
    throw new DamageError('bad-answer', `${this.host}: cannot ${purpose}: the answer lacks what it should tell.`);
  }
}

/** Returns what the content itself said when it could not be read. */
function sourceFailure(failure: unknown): ActionError | undefined {
  return failure instanceof ContentError && failure.cause instanceof ActionError ? failure.cause : undefined;
}

/** Tells that an upload has no longer the parts that were stored: it is gone, or another run has written its own to it. */
export function isLost(error: unknown): boolean {
  return isGone(error) || (error instanceof OssError && error.ossCode === 'InvalidPart');
}

/** Tells that a write was refused because there is an object by now. */
export function isTaken(error: unknown): boolean {
  return error instanceof OssError && error.ossCode === 'FileAlreadyExists';
}

/** Tells that an upload has ended: completed or aborted, by somebody or by a rule of the bucket. */
function isGone(error: unknown): boolean {
  return error instanceof OssError && error.ossCode === 'NoSuchUpload';
}

function requestOptions({ sha256, meta, forbidOverwrite }: WriteOptions): OSS.RequestOptions {
  return { headers: overwriteHeaders(forbidOverwrite), meta: { ...meta, ...(sha256 !== undefined && { sha256 }) } };
}

function readMeta(headers: Readonly<Record<string, string>>): Record<string, string> {
  const prefix = 'x-oss-meta-';
  const noted = Object.entries(headers).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(noted.map(([name, value]) => [name.slice(prefix.length), value]));
}

function overwriteHeaders(forbidOverwrite: boolean): Record<string, string> {
  return forbidOverwrite ? { 'x-oss-forbid-overwrite': 'true' } : {};
}

function readParts(value: unknown): StoredPart[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.flatMap((item) => {
    const { PartNumber: number, Size: size, ETag: etag } = (item ?? {}) as Record<string, unknown>;
    return typeof etag === 'string' ? [{ number: Number(number), size: Number(size), etag }] : [];
  });
}
