import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { type ListeningServer, type ListenOptions, listen } from '../http-server.ts';
import { type Guard, guardWithPasswords, guardWithTokens, letEverybodyIn, neededScopes } from './access.ts';
import { handleBlob } from './blob-endpoint.ts';
import { startBlobHost } from './blob-host.ts';
import { BlobStore } from './blob-store.ts';
import type { Credential } from './credentials.ts';
import { Disk, readIfPresent } from './disk.ts';
import { answer, type Exchange, type Habits, type Stores } from './exchange.ts';
import { KeyedLock } from './keyed-lock.ts';
import { listReferrers, listTags } from './listing-endpoint.ts';
import { handleManifest } from './manifest-endpoint.ts';
import { ManifestStore } from './manifest-store.ts';
import { RegistryError, sendError } from './registry-error.ts';
import { type RegistryState, readState } from './registry-state.ts';
import { type Route, readRoute } from './route.ts';
import { handleToken, type TokenService } from './token-endpoint.ts';
import { Tokens } from './tokens.ts';
import { handleUpload, openUpload } from './upload-endpoint.ts';
import { type BrokenChunks, UploadStore } from './upload-store.ts';

export interface RegistryOptions extends ListenOptions {
  /** Everything is kept here; a server started on the same directory goes on where the last one stopped. */
  readonly directory: string;
  readonly auth?: 'none' | 'basic' | 'token';
  readonly credentials?: readonly Credential[];
  /** With token auth: anybody may pull. */
  readonly anonymousPull?: boolean;
  /** How long a token is good for; 300 by default. */
  readonly tokenSeconds?: number;
  /** Milliseconds since 1970; tests move the clock with it. */
  readonly now?: () => number;
  /** GET of a blob answers 307 to a second listener, see {@link startBlobHost}. */
  readonly redirectBlobs?: boolean;
  readonly mount?: Habits['mount'];
  readonly deletes?: boolean;
  readonly referrers?: boolean;
  readonly relativeLocations?: boolean;
  /** Whether the bytes of a chunk count that did not come whole; `keep` by default. */
  readonly brokenChunks?: BrokenChunks;
}

export interface RegistryServer extends ListeningServer {
  readonly state: RegistryState;
  /** The second listener, with faults and a record of requests of its own, when blobs are redirected. */
  readonly blobHost: ListeningServer | undefined;
}

/**
 * Starts a registry that speaks OCI Distribution 1.1 on loopback.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 */
export async function startRegistry(options: RegistryOptions): Promise<RegistryServer> {
  await mkdir(options.directory, { recursive: true });
  const disk = new Disk(options.directory);
  await disk.clean();
  const stores = openStores(disk, options.brokenChunks);
  const { guard, service } = await openGuard(options, disk);
  const tls = options.tls === undefined ? {} : { tls: options.tls };
  const blobHost = options.redirectBlobs === true ? await startBlobHost(tls, stores.blobs) : undefined;
  const habits: Habits = {
    mount: options.mount ?? 'allow',
    deletes: options.deletes ?? true,
    referrers: options.referrers ?? true,
    relativeLocations: options.relativeLocations ?? false,
    blobHost: blobHost?.url,
  };
  const lock = new KeyedLock();
  const scheme = options.tls === undefined ? 'http' : 'https';
  const server = await listen(options, async (request, response, url) => {
    const exchange: Exchange = {
      request,
      response,
      method: request.method ?? 'GET',
      query: url.searchParams,
      origin: `${scheme}://${request.headers.host ?? url.host}`,
    };
    try {
      response.setHeader('docker-distribution-api-version', 'registry/2.0');
      if (url.pathname === '/token' && service !== undefined) return await handleToken(exchange, service);
      const route = readRoute(url.pathname);
      if (route === undefined) throw new RegistryError(404, 'UNSUPPORTED', `no such address ${url.pathname}`);
      guard(exchange, neededScopes(route, exchange));
      await dispatch(route, exchange, stores, habits, lock);
    } catch (error) {
      if (!(error instanceof RegistryError) || response.headersSent) throw error;
      sendError(response, error);
    }
  });
  const close = async (): Promise<void> => {
    await Promise.all([server.close(), blobHost?.close()]);
  };
  return { ...server, close, blobHost, state: readState(stores) };
}

async function dispatch(
  route: Route,
  exchange: Exchange,
  stores: Stores,
  habits: Habits,
  lock: KeyedLock,
): Promise<void> {
  switch (route.kind) {
    case 'base':
      return answer(exchange, 200);
    case 'manifest':
      return handleManifest(exchange, stores, habits, lock, route.repository, route.reference);
    case 'blob':
      return handleBlob(exchange, stores, habits, route.repository, route.digest);
    case 'uploads':
      return openUpload(exchange, stores, habits, route.repository);
    case 'upload':
      return handleUpload(exchange, stores, habits, lock, route.repository, route.id);
    case 'tags':
      return listTags(exchange, stores, route.repository);
    case 'referrers':
      return listReferrers(exchange, stores, habits, route.repository, route.digest);
  }
}

function openStores(disk: Disk, brokenChunks: BrokenChunks | undefined): Stores {
  const blobs = new BlobStore(disk);
  return { blobs, uploads: new UploadStore(disk, blobs, brokenChunks), manifests: new ManifestStore(disk, blobs) };
}

async function openGuard(
  options: RegistryOptions,
  disk: Disk,
): Promise<{ readonly guard: Guard; readonly service: TokenService | undefined }> {
  const credentials = options.credentials ?? [];
  switch (options.auth ?? 'none') {
    case 'none':
      return { guard: letEverybodyIn, service: undefined };
    case 'basic':
      return { guard: guardWithPasswords(credentials), service: undefined };
    case 'token': {
      const tokens = new Tokens({
        key: await loadKey(disk),
        seconds: options.tokenSeconds ?? 300,
        now: options.now ?? Date.now,
      });
      const service = { tokens, credentials, anonymousPull: options.anonymousPull ?? false };
      return { guard: guardWithTokens(tokens), service };
    }
  }
}

/** The key lives with the content: a restart does not turn away those who hold a token. */
async function loadKey(disk: Disk): Promise<Buffer> {
  const path = disk.path('token-key');
  const known = await readIfPresent(path);
  if (known !== undefined) return known;
  const key = randomBytes(32);
  await disk.write(path, key);
  return key;
}
