import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BlobStore } from './blob-store.ts';
import type { ManifestStore } from './manifest-store.ts';
import type { UploadStore } from './upload-store.ts';

/** Everything the registry keeps. */
export interface Stores {
  readonly blobs: BlobStore;
  readonly uploads: UploadStore;
  readonly manifests: ManifestStore;
}

/** How this registry differs from others where the specification leaves a choice. */
export interface Habits {
  /** `refuse` answers every mount with an upload, as a registry does that cannot see the other repository. */
  readonly mount: 'allow' | 'refuse';
  /** False answers every DELETE of content with 405. */
  readonly deletes: boolean;
  /** False is a registry from before 1.1: no referrers endpoint and no `OCI-Subject`. */
  readonly referrers: boolean;
  /** Upload locations without scheme and host. */
  readonly relativeLocations: boolean;
  /** Where GET of a blob is redirected to, if anywhere. */
  readonly blobHost: string | undefined;
}

/** One request with what is needed to answer it. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly query: URLSearchParams;
  /** Scheme and host as the client knows them. */
  readonly origin: string;
}

/** Answers without a body. */
export function answer(exchange: Exchange, status: number, headers: Readonly<Record<string, string>> = {}): void {
  const length = status === 204 ? {} : { 'content-length': '0' };
  exchange.response.writeHead(status, { ...length, ...headers });
  exchange.response.end();
}
