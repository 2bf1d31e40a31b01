import { ActionError } from '../errors.ts';
import { type Digest, digestOf, isDigest, splitDigest, verifyStream } from '../image/digest.ts';
import type { Descriptor, RawManifest } from '../image/manifest.ts';
import { ACCEPTED_MANIFESTS } from '../image/media-type.ts';
import { type Content, contentOf, readAll } from '../util/content.ts';
import { type HttpResponse, NetworkError } from '../util/http.ts';
import { BlobUpload, isRefusal, type UploadOptions } from './blob-upload.ts';
import { FEW, type OpenRange, RANGE_RULES, type RangeRules, readInRanges } from './parallel-ranges.ts';
import type { Registry } from './registry.ts';

/** Registries refuse larger manifests; https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pushing-manifests. */
const MANIFEST_LIMIT = 4 * 1024 * 1024;

/** What a tag points to, as far as one HEAD tells. */
export interface ManifestHead {
  readonly digest: Digest;
  readonly mediaType: string;
}

/**
 * One repository in a registry: its manifests, its blobs.
 *
 * Everything that is read is checked against its digest, everything that is written is addressed by it.
 */
export class Repository {
  readonly registry: Registry;
  readonly name: string;

  constructor(registry: Registry, name: string) {
    this.registry = registry;
    this.name = name;
  }

  toString(): string {
    return `${this.registry.name}/${this.name}`;
  }

  /**
   * Returns what `reference` (a tag or a digest) points to, undefined when there is no such thing. Who will push here
   * says so, and the token for that serves for this as well.
   */
  async head(reference: string, { push = false } = {}): Promise<ManifestHead | undefined> {
    const response = await this.#get('HEAD', `manifests/${reference}`, {
      purpose: `look up ${this.#label(reference)}`,
      headers: { accept: ACCEPTED_MANIFESTS },
      expect: [200, 404],
      push,
    });
    await response.discard();
    if (response.status === 404) return undefined;
    const digest = response.headers['docker-content-digest'];
    // Some registries leave the digest out of HEAD; the bytes have it all the same. They also decide when a digest that was
    // asked for comes back as another one.
    const isOther = isDigest(reference) && digest !== reference;
    if (digest === undefined || !isDigest(digest) || isOther) return this.manifest(reference);
    return { digest, mediaType: mediaTypeOf(response) };
  }

  /** Returns the manifest or index that `reference` points to; throws a RegistryError (404) when there is none. */
  async manifest(reference: string): Promise<RawManifest> {
    const purpose = `pull the manifest of ${this.#label(reference)}`;
    return this.registry.retry(purpose, async () => {
      const response = await this.#get('GET', `manifests/${reference}`, {
        purpose,
        headers: { accept: ACCEPTED_MANIFESTS },
        expect: [200],
        attempts: 1,
      });
      const bytes = await this.#readManifest(response, purpose);
      const promised = isDigest(reference) ? reference : response.headers['docker-content-digest'];
      const digest = digestOf(
        bytes,
        promised !== undefined && isDigest(promised) ? splitDigest(promised).algorithm : 'sha256',
      );
      if (promised !== undefined && promised !== digest) {
        throw new ActionError(
          'digest-mismatch',
          `${this.registry.name}: the manifest of ${this.#label(reference)} should have the digest ${promised}, but its ` +
            `bytes have ${digest}. The registry's copy is damaged: push the image again.`,
        );
      }
      return { digest, mediaType: mediaTypeIn(bytes) ?? mediaTypeOf(response), bytes };
    });
  }

  async #readManifest(response: HttpResponse, purpose: string): Promise<Buffer> {
    try {
      return await readAll(response.body, MANIFEST_LIMIT);
    } catch (error) {
      if (error instanceof RangeError) {
        throw new ActionError('manifest-too-large', `${this.registry.name}: cannot ${purpose}: ${error.message}.`);
      }
      throw this.#brokenConnection(error);
    }
  }

  /** Puts a manifest under its digest, or under a tag. Its blobs and children must be there already. */
  async putManifest(manifest: RawManifest, reference: string = manifest.digest): Promise<void> {
    const response = await this.registry.request({
      method: 'PUT',
      path: this.#path(`manifests/${reference}`),
      scope: this.#pushScope(),
      headers: { 'content-type': manifest.mediaType },
      body: contentOf(manifest.bytes),
      expect: [200, 201, 202],
      purpose: `push the manifest of ${this.#label(reference)}`,
    });
    await response.discard();
    const stored = response.headers['docker-content-digest'];
    if (
      stored !== undefined &&
      isDigest(stored) &&
      stored !== digestOf(manifest.bytes, splitDigest(stored).algorithm)
    ) {
      throw new ActionError(
        'digest-mismatch',
        `${this.registry.name}: ${this.#label(reference)} was pushed with the digest ${manifest.digest}, but the registry ` +
          `says it stored ${stored}. Something changes manifests on their way: see what stands before the registry.`,
      );
    }
  }

  /** Says whether a blob is there. */
  async hasBlob(digest: Digest): Promise<boolean> {
    const response = await this.#get('HEAD', `blobs/${digest}`, {
      purpose: `look up the blob ${digest} of ${this}`,
      expect: [200, 404],
      push: true,
    });
    await response.discard();
    return response.status === 200;
  }

  /**
   * Returns a blob, checked against its digest while it is read. A connection that breaks is taken up again where it
   * broke, as long as the registry's retry budget lasts; a large blob that comes slowly is read over several.
   */
  blob(descriptor: Descriptor, rules: RangeRules = RANGE_RULES): Content {
    const where = `${this.registry.name}: ${this.name}`;
    const { digest, size } = descriptor;
    const range: OpenRange = (start, end, strict) => this.#readRange(digest, start, end, strict ? undefined : size);
    const isAlone = (): boolean => this.registry.reading <= FEW;
    const read = (): AsyncIterable<Buffer> => this.#countReading(readInRanges(size, range, isAlone, rules));
    return { size, open: () => verifyStream(read(), descriptor, where) };
  }

  async *#countReading(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
    this.registry.reading += 1;
    try {
      yield* source;
    } finally {
      this.registry.reading -= 1;
    }
  }

  /** Reads the bytes from `start` to before `end`; with `size`, that of the blob, a server need not know ranges. */
  async *#readRange(digest: Digest, start: number, end: number, size?: number): AsyncGenerator<Buffer, void> {
    const purpose = `pull the blob ${digest} of ${this}`;
    let offset = start;
    let failures = 0;
    while (offset < end) {
      const response = await this.#openBlob(digest, offset, end === size ? undefined : end, purpose);
      let skip = response.status === 206 ? 0 : offset;
      let broken: unknown = new Error('the answer ended too early');
      const before = offset;
      try {
        for await (const chunk of response.body) {
          const fresh = chunk.subarray(skip);
          skip -= chunk.length - fresh.length;
          if (fresh.length === 0) continue;
          offset += fresh.length;
          yield fresh;
        }
      } catch (error) {
        broken = error;
      }
      if (offset >= end) return;
      // Whoever makes progress may go on; only a server that gives nothing uses up its attempts.
      failures = offset > before ? 1 : failures + 1;
      await this.registry.pauseAfter(purpose, this.#brokenConnection(broken), failures);
    }
  }

  #brokenConnection(cause: unknown): NetworkError {
    return new NetworkError('GET', new URL(`https://${this.registry.name}/v2/${this.name}`), cause);
  }

  /** Opens a blob at `offset`, until before `end`, if that is given: then nothing but that range will do. */
  async #openBlob(digest: Digest, offset: number, end: number | undefined, purpose: string): Promise<HttpResponse> {
    const last = end === undefined ? '' : String(end - 1);
    const wantsRange = offset > 0 || end !== undefined;
    const response = await this.#get('GET', `blobs/${digest}`, {
      purpose,
      ...(wantsRange && { headers: { range: `bytes=${offset}-${last}` } }),
      expect: wantsRange ? [200, 206] : [200],
    });
    const range = response.headers['content-range'];
    const isWrong = response.status === 206 && range !== undefined && !range.startsWith(`bytes ${offset}-${last}`);
    if (isWrong || (end !== undefined && response.status !== 206)) {
      await response.discard();
      throw new ActionError(
        'bad-range',
        `${this.registry.name}: asked for bytes ${offset}-${last} of ${digest}, got ${range ?? 'all of it'}. ` +
          'Something between here and the registry does not know ranges.',
      );
    }
    return response;
  }

  /**
   * Makes a blob of another repository of the same registry appear in this one; returns false when the registry does
   * not want to. Any refusal means "no" and never an error, be it of the registry or of its token service: the blob can
   * still be streamed.
   *
   * https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#mounting-a-blob-from-another-repository
   */
  async mountBlob(digest: Digest, from: string): Promise<boolean> {
    const path = this.#path(`blobs/uploads/?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`);
    const purpose = `mount the blob ${digest} from ${from} into ${this}`;
    try {
      const response = await this.registry.request({
        method: 'POST',
        path,
        scope: `${this.#pushScope()} repository:${from}:pull`,
        headers: { 'content-length': '0' },
        expect: [201, 202],
        purpose,
      });
      await response.discard();
      if (response.status === 202) await this.#cancelUpload(this.registry.uploadAddress(response, path, purpose));
      return response.status === 201;
    } catch (error) {
      if (isRefusal(error)) return false;
      throw error;
    }
  }

  /** Tells the registry that a session will not be used; what it answers does not matter, it would expire anyway. */
  async #cancelUpload(location: string): Promise<void> {
    const response = await this.registry
      .request({
        method: 'DELETE',
        path: location,
        scope: this.#pushScope(),
        expect: [200, 202, 204, 400, 404, 405],
        purpose: `cancel an upload to ${this}`,
        attempts: 1,
      })
      .catch(() => undefined);
    await response?.discard();
  }

  /**
   * Puts a blob, and tells whether its bytes had to be sent; see BlobUpload. Throws what goes wrong with `content` as it
   * is.
   */
  putBlob(
    { digest }: Pick<Descriptor, 'digest'>,
    content: Content,
    options: UploadOptions = {},
  ): Promise<'mounted' | 'streamed'> {
    return new BlobUpload(this, digest, content, options).run();
  }

  #get(
    method: 'GET' | 'HEAD',
    path: string,
    options: {
      purpose: string;
      expect: readonly number[];
      headers?: Record<string, string>;
      attempts?: number;
      push?: boolean;
    },
  ): Promise<HttpResponse> {
    const { push = false, ...rest } = options;
    return this.registry.request({
      method,
      path: this.#path(path),
      scope: push ? this.#pushScope() : `repository:${this.name}:pull`,
      ...rest,
    });
  }

  #path(rest: string): string {
    return `/v2/${this.name}/${rest}`;
  }

  #pushScope(): string {
    return `repository:${this.name}:pull,push`;
  }

  #label(reference: string): string {
    return `${this}${isDigest(reference) ? '@' : ':'}${reference}`;
  }
}

function mediaTypeOf(response: HttpResponse): string {
  return (response.headers['content-type'] ?? '').replace(/;.*$/, '').trim();
}

/** Returns the type that a manifest itself states: a header may be anything, and the digest is over the bytes. */
function mediaTypeIn(bytes: Buffer): string | undefined {
  try {
    const { mediaType } = JSON.parse(bytes.toString('utf8')) as { mediaType?: unknown };
    return typeof mediaType === 'string' ? mediaType : undefined;
  } catch {
    return undefined;
  }
}
