import { gunzipSync } from 'node:zlib';
import { MANIFEST_ACCEPT } from '../images/manifest-accept.ts';
import { readTar } from './read-tar.ts';

/** Where an image is. */
export interface ImageSource {
  /** Scheme and host of the registry, such as `http://127.0.0.1:5000`. */
  readonly registry: string;
  readonly repository: string;
  readonly credentials?: { readonly username: string; readonly password: string };
}

export interface UnpackedImage {
  /** Digest of what the reference points to. */
  readonly digest: string;
  /** Absolute path to content, for every file. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** Pulls an image and unpacks its layers, one upon the other, into memory. */
export async function unpackImage(source: ImageSource, reference: string): Promise<UnpackedImage> {
  const pull = new Puller(source);
  const { digest, manifest } = await pull.manifest(reference);
  const image = 'manifests' in manifest ? await pull.manifest(firstLinux(manifest['manifests'])) : { manifest };
  const layers: unknown = image.manifest['layers'];
  if (!Array.isArray(layers)) throw new Error(`${source.repository}:${reference} is no image`);
  let files = new Map<string, Buffer>();
  for (const layer of layers) {
    const bytes = await pull.blob(field(layer, 'digest'));
    files = applyLayer(files, bytes[0] === 0x1f ? gunzipSync(bytes) : bytes);
  }
  return { digest, files };
}

function firstLinux(manifests: unknown): string {
  if (Array.isArray(manifests)) {
    for (const child of manifests) {
      const { platform } = child as { platform?: { os?: string } };
      if (platform?.os === 'linux') return field(child, 'digest');
    }
  }
  throw new Error('the index has no image for Linux');
}

function field(value: unknown, name: string): string {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  if (typeof found !== 'string') throw new Error(`the manifest has no ${name}`);
  return found;
}

/** @see https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts */
function applyLayer(lower: ReadonlyMap<string, Buffer>, tar: Buffer): Map<string, Buffer> {
  const entries = readTar(tar);
  const files = new Map(lower);
  const remove = (path: string): void => {
    for (const known of files.keys()) if (known === path || known.startsWith(`${path}/`)) files.delete(known);
  };
  for (const { path } of entries) {
    const slash = path.lastIndexOf('/');
    const [directory, name] = [path.slice(0, slash), path.slice(slash + 1)];
    if (name === '.wh..wh..opq') remove(directory);
    else if (name.startsWith('.wh.')) remove(`${directory}/${name.slice(4)}`);
  }
  for (const entry of entries) {
    if (entry.path.includes('/.wh.')) continue;
    if (entry.type === 'file') files.set(entry.path, entry.content);
    if (entry.type === 'link') {
      const target = files.get(entry.linkTo);
      if (target === undefined)
        throw new Error(`${entry.path} is a link to ${entry.linkTo}, which does not stand before it`);
      files.set(entry.path, target);
    }
  }
  return files;
}

/** Asks a registry, and for a token when it wants one. */
class Puller {
  readonly #source: ImageSource;
  #authorization: string | undefined;

  constructor(source: ImageSource) {
    this.#source = source;
  }

  async manifest(reference: string): Promise<{ digest: string; manifest: Readonly<Record<string, unknown>> }> {
    const response = await this.#get(`manifests/${reference}`);
    const manifest: unknown = await response.json();
    const digest = response.headers.get('docker-content-digest');
    if (typeof manifest !== 'object' || manifest === null || digest === null) throw new Error('this is no manifest');
    return { digest, manifest: { ...manifest } };
  }

  async blob(digest: string): Promise<Buffer> {
    return Buffer.from(await (await this.#get(`blobs/${digest}`)).arrayBuffer());
  }

  async #get(path: string): Promise<Response> {
    const { registry, repository } = this.#source;
    const url = `${registry}/v2/${repository}/${path}`;
    let response = await this.#fetch(url);
    if (response.status === 401) {
      this.#authorization = await this.#answer(response.headers.get('www-authenticate') ?? '');
      response = await this.#fetch(url);
    }
    if (response.status !== 200) throw new Error(`GET ${url} answered ${response.status}: ${await response.text()}`);
    return response;
  }

  #fetch(url: string): Promise<Response> {
    const authorization = this.#authorization === undefined ? {} : { authorization: this.#authorization };
    return fetch(url, { headers: { accept: MANIFEST_ACCEPT, ...authorization } });
  }

  async #answer(challenge: string): Promise<string> {
    const { repository, credentials } = this.#source;
    const basic =
      credentials && `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
    if (/^Basic /i.test(challenge) && basic !== undefined) return basic;
    const url = new URL(/realm="([^"]*)"/.exec(challenge)?.[1] ?? '');
    url.searchParams.set('service', /service="([^"]*)"/.exec(challenge)?.[1] ?? '');
    url.searchParams.set('scope', `repository:${repository}:pull`);
    const response = await fetch(url, { headers: basic === undefined ? {} : { authorization: basic } });
    return `Bearer ${field(await response.json(), 'token')}`;
  }
}
