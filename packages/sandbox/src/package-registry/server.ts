import type { ServerResponse } from 'node:http';
import { type ListeningServer, type ListenOptions, listen, sendJson } from '../http-server.ts';
import { indexPackages, isPrerelease, type PackageIndex, type ServedPackage } from './package-index.ts';
import { type ImageSource, type UnpackedImage, unpackImage } from './unpack-image.ts';

export interface PackageRegistryOptions extends ListenOptions, ImageSource {
  /** Tag or digest of the image to serve at first; without one every answer is 503 until something is loaded. */
  readonly reference?: string;
  /**
   * Says which digest the pods run now, undefined while that is none: what is served follows it, as if this were the
   * process in those pods.
   */
  readonly running?: () => string | undefined;
}

export interface PackageRegistryServer extends ListeningServer {
  /** Pulls an image and serves its packages from now on, as a restarted container does; returns its digest. */
  load(reference: string): Promise<string>;
  /** Digest of the image that is served. */
  digest(): string | undefined;
  /** `name-version` of everything that is served. */
  packages(): string[];
  /** Directories that are not served, and why. */
  ignored(): readonly string[];
}

interface Loaded {
  readonly image: UnpackedImage;
  readonly index: PackageIndex;
}

/**
 * Serves the packages of a distribution image out of a registry server, the way Elastic's package registry serves them:
 * `/health`, `/search`, `/package/<name>/<version>/` and the files below it.
 *
 * @see https://github.com/elastic/package-registry
 */
export async function startPackageRegistry(options: PackageRegistryOptions): Promise<PackageRegistryServer> {
  let loaded: Loaded | undefined;
  const load = async (reference: string): Promise<string> => {
    const image = await unpackImage(options, reference);
    loaded = { image, index: indexPackages(image.files) };
    return image.digest;
  };
  if (options.reference !== undefined) await load(options.reference);
  const server = await listen(options, async (_, response, url) => {
    const running = options.running?.();
    if (running !== undefined && running !== loaded?.image.digest) await load(running);
    if (loaded === undefined) sendJson(response, 503, { error: 'no image is loaded' });
    else answer(response, url, loaded);
  });
  return {
    ...server,
    load,
    digest: () => loaded?.image.digest,
    packages: () => loaded?.index.packages.map(({ name, version }) => `${name}-${version}`) ?? [],
    ignored: () => loaded?.index.ignored ?? [],
  };
}

function answer(response: ServerResponse, url: URL, { image, index }: Loaded): void {
  const answered = findAnswer(url, image, index);
  if (!Buffer.isBuffer(answered)) {
    sendJson(response, answered.status, answered.body);
    return;
  }
  const headers = { 'content-type': 'application/octet-stream', 'content-length': answered.length };
  response.writeHead(200, headers).end(answered);
}

/** Finds what is at an address: a file's bytes, or something to be said in JSON. */
function findAnswer(
  url: URL,
  image: UnpackedImage,
  index: PackageIndex,
): Buffer | { readonly status: number; readonly body: unknown } {
  if (url.pathname === '/health') return Buffer.alloc(0);
  if (url.pathname === '/') return { status: 200, body: { 'service.name': 'package-registry (stand-in)' } };
  if (url.pathname === '/search') return { status: 200, body: search(index, url.searchParams).map(describe) };
  const [, name, version, path] = /^\/package\/([^/]+)\/([^/]+)\/(.*)$/.exec(decodeURIComponent(url.pathname)) ?? [];
  const found = index.packages.find((each) => each.name === name && each.version === version);
  if (found === undefined) return { status: 404, body: { error: 'package revision not found' } };
  if (path === '') return { status: 200, body: { ...describe(found), assets: listAssets(found, image) } };
  return image.files.get(`${found.directory}/${path}`) ?? { status: 404, body: { error: 'resource not found' } };
}

/** Only the newest of each name unless `all`, no prereleases unless asked for. */
function search({ packages }: PackageIndex, query: URLSearchParams): ServedPackage[] {
  const name = query.get('package');
  const wanted = packages.filter(
    (each) =>
      (name === null || each.name === name) && (query.get('prerelease') === 'true' || !isPrerelease(each.version)),
  );
  if (query.get('all') === 'true') return wanted;
  const seen = new Set<string>();
  return wanted.filter((each) => !seen.has(each.name) && seen.add(each.name));
}

function describe({ name, version, manifest }: ServedPackage): Readonly<Record<string, unknown>> {
  const { title, description, type } = manifest;
  return {
    name,
    title: title ?? name,
    version,
    description: description ?? '',
    type: type ?? 'integration',
    download: `/epr/${name}/${name}-${version}.zip`,
    path: `/package/${name}/${version}`,
  };
}

function listAssets({ name, version, directory }: ServedPackage, { files }: UnpackedImage): string[] {
  return [...files.keys()]
    .filter((path) => path.startsWith(`${directory}/`))
    .map((path) => `/package/${name}/${version}${path.slice(directory.length)}`)
    .sort();
}
