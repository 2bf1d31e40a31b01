import { ActionError } from '../errors.ts';
import type { Digest } from '../image/digest.ts';
import { type Content, ContentError, markContentFailures, type PrimedContent, primeContent } from '../util/content.ts';
import { HttpError, type HttpResponse } from '../util/http.ts';
import { PieceReader } from '../util/piece-reader.ts';
import type { Registry, RegistryRequest } from './registry.ts';
import type { UploadJournal, UploadKey } from './upload-journal.ts';

const MEBIBYTE = 1024 * 1024;

/** Bytes that go in one request; larger blobs go in chunks of this size, so that a crash costs one of them. */
export const CHUNK = 32 * MEBIBYTE;

/** Registries that keep blobs in an object store may take minutes to commit a large one. */
const COMMIT_PATIENCE = 15 * 60_000;

/** How often an upload of a process that is gone is asked for before it is begun anew. */
const NOTED_ATTEMPTS = 3;

/** Answers that say "not in chunks"; https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pushing-a-blob-in-chunks. */
const NO_CHUNKS = new Set([400, 404, 405, 411, 415, 416, 501]);

export interface UploadOptions {
  /**
   * Another repository of the same registry that the blob may be mounted from, or this one itself: registries answer a
   * mount of what is there with "done", and open a session for what is not. So one request asks and begins.
   */
  readonly from?: string;
  /** Where large uploads are noted, so that the next process can take them up. */
  readonly journal?: UploadJournal;
  /** Told how long was waited before another try, milliseconds. */
  readonly onPause?: (milliseconds: number) => void;
}

/** The repository that blobs go to. */
export interface Destination {
  readonly registry: Registry;
  readonly name: string;
  hasBlob(digest: Digest): Promise<boolean>;
}

/**
 * One blob on its way into a repository: POST opens a session, then one PUT carries the bytes of a small blob, and a
 * PATCH each chunk of a large one.
 *
 * After a failure a small blob is sent again in a fresh session; a large one goes on where the registry says it is. Half
 * a blob is never visible. What goes wrong with the content itself is thrown as it is; content that was damaged on its
 * way is read once more.
 */
export class BlobUpload {
  readonly #to: Destination;
  readonly #digest: Digest;
  readonly #content: Content;
  readonly #options: UploadOptions;
  readonly #purpose: string;
  readonly #key: UploadKey;
  /** The session's address, good for the next request. */
  #location: string | undefined;
  /** Bytes that the session has. */
  #offset = 0;
  /** Bytes that any of its sessions had. */
  #furthest = 0;
  #chunked: boolean;
  /** Whether the session may not be what we think: begun by another process. */
  #inherited = false;
  #damages = 0;
  #restarts = 0;

  constructor(to: Destination, digest: Digest, content: Content, options: UploadOptions) {
    this.#to = to;
    this.#digest = digest;
    this.#content = content;
    this.#options = options;
    this.#purpose = `push the blob ${digest} to ${to}`;
    this.#key = { repository: `${to}`, digest };
    this.#chunked = content.size > CHUNK;
  }

  /** Brings the blob over; tells whether its bytes had to be sent. */
  async run(): Promise<'mounted' | 'streamed'> {
    let failures = 0;
    for (let attempt = 1; ; attempt += 1) {
      const before = this.#furthest;
      try {
        // The answer to the last try may be all that was lost.
        if (attempt > 1 && (await this.#to.hasBlob(this.#digest))) return 'streamed';
        const road = this.#chunked ? await this.#sendChunks(attempt === 1) : await this.#sendWhole(attempt === 1);
        await this.#forget();
        return road;
      } catch (error) {
        if (await this.#mayStartAgain(error)) continue;
        if (error instanceof ContentError) throw error.cause;
        // Whoever makes progress may go on; only a registry that takes nothing uses up its attempts.
        failures = this.#furthest > before ? 1 : failures + 1;
        const started = performance.now();
        await this.#to.registry.pauseAfter(this.#purpose, error, failures);
        this.#options.onPause?.(performance.now() - started);
      }
    }
  }

  /** Tells whether a failure is one that another way may heal at once, and prepares that way. */
  async #mayStartAgain(error: unknown): Promise<boolean> {
    if (error instanceof ContentError) {
      const damaged = isDamage(error.cause);
      // What has been sent of good content is kept for the next run, if there is a way to find it again.
      if (damaged || this.#offset === 0 || this.#options.journal === undefined) await this.#cancel();
      this.#damages += 1;
      return damaged && this.#damages === 1;
    }
    // The session knows how far it came; a request's own bytes cannot be had twice.
    if (this.#restarts === 2) return false;
    if (error instanceof SpentBody) {
      this.#restarts += 1;
      return true;
    }
    if (!(error instanceof HttpError) || this.#location === undefined) return false;
    if (!NO_CHUNKS.has(error.status)) return false;
    const vanished = error.status === 404 || error.status === 416;
    if (this.#chunked && this.#offset === 0 && !this.#inherited) this.#chunked = false;
    else if (!this.#inherited && !vanished) return false;
    this.#restarts += 1;
    if (error.status !== 416 || this.#inherited) await this.#cancel();
    return true;
  }

  async #sendWhole(first: boolean): Promise<'mounted' | 'streamed'> {
    const body = await this.#begin(first);
    if (body === undefined) return 'mounted';
    try {
      await this.#finish(body);
    } finally {
      await body.close();
    }
    return 'streamed';
  }

  async #sendChunks(first: boolean): Promise<'mounted' | 'streamed'> {
    let primed: PrimedContent | undefined;
    if (!(await this.#takeUp())) {
      primed = await this.#begin(first);
      if (primed === undefined) return 'mounted';
    }
    const content = primed ?? this.#content;
    const pieces = new PieceReader(markContentFailures(content.open()));
    try {
      await pieces.skip(this.#offset);
      while (this.#offset < content.size) await this.#append(pieces, Math.min(CHUNK, content.size - this.#offset));
    } finally {
      await pieces.close();
      await primed?.close();
    }
    await this.#finish(undefined);
    return 'streamed';
  }

  /**
   * Finds out how far the session has come, ours or one of a killed process; false when there is none.
   *
   * The registry may have part of a chunk; what it says it has counts. docker-registry 2.8 says nothing then: the address is
   * signed with the number of bytes at the end of the chunk before, and whatever is asked there (GET, HEAD, PATCH from
   * either number, DELETE) is answered 404 BLOB_UPLOAD_INVALID, since its file has another size. Its upload is begun anew.
   */
  async #takeUp(): Promise<boolean> {
    const { registry } = this.#to;
    const noted = this.#location ?? (await this.#options.journal?.find(this.#key));
    if (noted === undefined) return false;
    this.#inherited ||= this.#location === undefined;
    this.#location = undefined;
    this.#offset = 0;
    const path = registry.uploadAddress({ headers: { location: noted } }, this.#path(''), this.#purpose);
    try {
      const attempts = this.#inherited ? NOTED_ATTEMPTS : 1;
      const response = await this.#request({ method: 'GET', path, expect: [200, 204], attempts });
      const last = /^(?:bytes=)?0-(\d+)$/.exec(response.headers['range'] ?? '')?.[1];
      // An empty upload says `0-0`, as one of a single byte does: nothing is lost by sending that byte anew, in a new one.
      if (last === undefined || last === '0' || Number(last) >= this.#content.size) return false;
      this.#advance(response, path, Number(last) + 1);
      return true;
    } catch (error) {
      // The server that a note names may be gone for good, and a note must not stand in the way of every later run.
      if (this.#inherited || isRefusal(error)) return false;
      throw error;
    }
  }

  /** Opens a session while the first bytes are fetched; returns the content, undefined when the blob was mounted. */
  async #begin(first: boolean): Promise<PrimedContent | undefined> {
    const from = first ? this.#options.from : undefined;
    // A neighbour that has it makes reading unnecessary, as a rule.
    if (from !== undefined && from !== this.#to.name) {
      return (await this.#open(from)) ? primeContent(this.#content) : undefined;
    }
    const [primed, opened] = await Promise.allSettled([primeContent(this.#content), this.#open(from)]);
    if (primed.status === 'rejected') throw primed.reason;
    if (opened.status === 'fulfilled' && opened.value) return primed.value;
    await primed.value.close();
    if (opened.status === 'rejected') throw opened.reason;
    return undefined;
  }

  /** Opens a session, or mounts the blob and returns false. A refusal to mount means "no" and is never an error. */
  async #open(from: string | undefined): Promise<boolean> {
    this.#location = undefined;
    this.#offset = 0;
    this.#inherited = false;
    const { registry, name } = this.#to;
    const query =
      from === undefined ? '' : `?mount=${encodeURIComponent(this.#digest)}&from=${encodeURIComponent(from)}`;
    const path = this.#path(query);
    try {
      const response = await this.#request({
        method: 'POST',
        path,
        headers: { 'content-length': '0' },
        expect: from === undefined ? [202] : [201, 202],
        ...(from !== undefined && from !== name && { scope: `${this.#scope()} repository:${from}:pull` }),
      });
      if (response.status === 201) return false;
      this.#location = registry.uploadAddress(response, path, this.#purpose);
      if (this.#chunked) await this.#options.journal?.note(this.#key, this.#location);
      return true;
    } catch (error) {
      if (from !== undefined && isRefusal(error)) return this.#open(undefined);
      throw error;
    }
  }

  async #append(pieces: PieceReader, size: number): Promise<void> {
    const path = this.#address();
    const response = await this.#request({
      method: 'PATCH',
      path,
      headers: {
        'content-type': 'application/octet-stream',
        'content-range': `${this.#offset}-${this.#offset + size - 1}`,
      },
      body: { size, open: spendOnce(() => pieces.take(size)) },
      expect: [201, 202, 204],
    });
    this.#advance(response, path, this.#offset + size);
    if (this.#location !== undefined) await this.#options.journal?.note(this.#key, this.#location);
  }

  #advance(response: HttpResponse, path: string, offset: number): void {
    const { headers } = response;
    this.#location =
      headers['location'] === undefined ? path : this.#to.registry.uploadAddress(response, path, this.#purpose);
    this.#offset = offset;
    if (offset <= this.#furthest) return;
    this.#furthest = offset;
    this.#restarts = 0;
  }

  async #finish(body: Content | undefined): Promise<void> {
    await this.#request({
      method: 'PUT',
      path: withDigest(this.#address(), this.#digest),
      headers: { 'content-type': 'application/octet-stream', ...(body === undefined && { 'content-length': '0' }) },
      ...(body !== undefined && { body }),
      expect: [201, 204],
      ...(this.#content.size > CHUNK && { patience: COMMIT_PATIENCE }),
    });
  }

  /** Tells the registry that a session will not be used; what it answers does not matter, it would expire anyway. */
  async #cancel(): Promise<void> {
    const path = this.#location;
    this.#location = undefined;
    this.#offset = 0;
    this.#inherited = false;
    await this.#forget();
    if (path === undefined) return;
    await this.#request({ method: 'DELETE', path, expect: [200, 202, 204, 400, 404, 405] }).catch(() => undefined);
  }

  /** Only what goes in chunks is ever noted, and looking for a note costs as much as a request. */
  async #forget(): Promise<void> {
    if (this.#content.size > CHUNK) await this.#options.journal?.forget(this.#key);
  }

  async #request(
    request: Omit<RegistryRequest, 'scope' | 'purpose'> & Partial<Pick<RegistryRequest, 'scope'>>,
  ): Promise<HttpResponse> {
    const { registry } = this.#to;
    const response = await registry.request({ scope: this.#scope(), attempts: 1, ...request, purpose: this.#purpose });
    await response.discard();
    return response;
  }

  #address(): string {
    if (this.#location !== undefined) return this.#location;
    throw new ActionError(
      'no-session',
      `${this.#to.registry.name}: cannot ${this.#purpose}: the upload has no address.`,
    );
  }

  #path(query: string): string {
    return `/v2/${this.#to.name}/blobs/uploads/${query}`;
  }

  #scope(): string {
    return `repository:${this.#to.name}:pull,push`;
  }
}

/** The body of a request was asked for again, when a token had to be renewed. */
class SpentBody extends Error {}

function spendOnce<T>(open: () => T): () => T {
  let spent = false;
  return () => {
    if (spent) throw new SpentBody();
    spent = true;
    return open();
  };
}

/** Says whether an answer is a "no" that another way may avoid. */
export function isRefusal(error: unknown): boolean {
  return error instanceof HttpError && error.status >= 400 && error.status < 500 && error.status !== 429;
}

/** Says whether content had other bytes than its digest promised: damaged on the way, perhaps. */
function isDamage(error: unknown): boolean {
  return error instanceof ActionError && (error.code === 'digest-mismatch' || error.code === 'size-mismatch');
}

/** Adds the digest to an upload's address, which may have a query of its own that must stay. */
function withDigest(location: string, digest: Digest): string {
  return `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`;
}
