import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RegistryOptions, type RegistryServer, startRegistry } from './server.ts';

/** Starts registries for the tests of one file and removes what they leave. */
export class RegistryFixture {
  readonly #undo: (() => Promise<void>)[] = [];

  async directory(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'slipway-registry-'));
    this.#undo.push(() => rm(path, { recursive: true, force: true }));
    return path;
  }

  async start(options: Partial<RegistryOptions> = {}): Promise<RegistryServer> {
    const server = await startRegistry({ directory: await this.directory(), ...options });
    this.#undo.push(() => server.close());
    return server;
  }

  async cleanUp(): Promise<void> {
    for (const undo of this.#undo.splice(0).reverse()) await undo();
  }
}

export function sha256(content: string | Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** Makes the `Authorization` header of a user. */
export function basic(username: string, password: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

/** Pushes a blob in one request and returns its digest. */
export async function putBlob(base: string, repository: string, content: string | Buffer): Promise<string> {
  const digest = sha256(content);
  const url = `${base}/v2/${repository}/blobs/uploads/?digest=${digest}`;
  const response = await fetch(url, { method: 'POST', body: new Uint8Array(Buffer.from(content)) });
  if (response.status !== 201) throw new Error(`${url} answered ${response.status}`);
  return digest;
}

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';

/** Writes a manifest of an empty config and one layer, with more fields where a test needs them. */
export function manifestText(layer: string, more: object = {}): string {
  const config = { mediaType: 'application/vnd.oci.empty.v1+json', digest: sha256('{}'), size: 2 };
  const layers = [{ mediaType: 'application/octet-stream', digest: sha256(layer), size: Buffer.byteLength(layer) }];
  return JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers, ...more });
}

export function putManifest(
  base: string,
  repository: string,
  reference: string,
  text: string,
  mediaType = OCI_MANIFEST,
): Promise<Response> {
  return fetch(`${base}/v2/${repository}/manifests/${reference}`, {
    method: 'PUT',
    body: text,
    headers: { 'content-type': mediaType },
  });
}

/** Pushes a whole image of one layer and returns its manifest's digest. */
export async function putImage(base: string, repository: string, tag: string, layer: string): Promise<string> {
  await putBlob(base, repository, '{}');
  await putBlob(base, repository, layer);
  const response = await putManifest(base, repository, tag, manifestText(layer));
  if (response.status !== 201) throw new Error(`manifest was answered ${response.status}: ${await response.text()}`);
  return response.headers.get('docker-content-digest') ?? '';
}

/** Reads the code of an error answer. */
export async function errorCode(response: Response): Promise<unknown> {
  const body: unknown = await response.json();
  if (typeof body !== 'object' || body === null || !('errors' in body) || !Array.isArray(body.errors)) return undefined;
  const [first]: unknown[] = body.errors;
  return typeof first === 'object' && first !== null && 'code' in first ? first.code : undefined;
}
