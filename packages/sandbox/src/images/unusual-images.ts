import { createHash } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { pushBlob, pushManifest } from './push-image.ts';
import { type PushCredentials, PushSession } from './push-session.ts';
import { memoryBlob, type SampleBlob } from './sample-blob.ts';
import { describe, jsonBlob, MEDIA_TYPES, makeImage, type SampleManifest } from './sample-image.ts';
import { makeIndex } from './sample-index.ts';

/** Something that has a manifest and is not what every tool makes. */
export interface UnusualImage {
  /** What is unusual about it; fit for a tag. */
  readonly name: string;
  readonly blobs: readonly SampleBlob[];
  /** Children before their parents; the last one gets the tag. */
  readonly manifests: readonly SampleManifest[];
}

const { oci, docker } = MEDIA_TYPES;
const EMPTY = { mediaType: 'application/vnd.oci.empty.v1+json', ...named(Buffer.from('{}')) };
const EMPTY_BLOB = memoryBlob(Buffer.from('{}'));
const TAR = Buffer.alloc(10240);

/** Makes one image for each thing that copies have been known to lose or to change. */
export async function makeUnusualImages(): Promise<UnusualImage[]> {
  return [...(await makeIndexes()), ...makeLayers(), ...makeArtifacts(), ...makeForms(), ...makeAlgorithms()];
}

/** Pushes an image: blobs, then its manifests, the last of them under the tag. */
export async function pushUnusualImage(
  registryUrl: string,
  repository: string,
  image: Omit<UnusualImage, 'name'>,
  tag: string,
  credentials?: PushCredentials,
): Promise<void> {
  const session = new PushSession(registryUrl, repository, credentials);
  for (const blob of image.blobs) await pushBlob(session, blob);
  for (const manifest of image.manifests.slice(0, -1)) await pushManifest(session, manifest.digest, manifest);
  const top = image.manifests.at(-1);
  if (top !== undefined) await pushManifest(session, tag, top);
}

/** Makes an artifact of one small layer, which may name a subject: a signature, an attestation, an SBOM. */
export function makeArtifact(
  artifactType: string,
  payload: string,
  subject?: SampleManifest,
): Omit<UnusualImage, 'name'> & { readonly manifest: SampleManifest } {
  const layer = memoryBlob(Buffer.from(payload));
  const manifest = encode(oci.manifest, {
    artifactType,
    config: EMPTY,
    layers: [describe(layer, 'application/vnd.example.payload')],
    ...(subject !== undefined && { subject: describe(subject, subject.mediaType) }),
    annotations: { 'org.example.payload': payload },
  });
  return { blobs: [EMPTY_BLOB, layer], manifests: [manifest], manifest };
}

async function makeIndexes(): Promise<UnusualImage[]> {
  const make = (seed: string, mediaTypes: 'oci' | 'docker', architecture: string) =>
    makeImage({
      seed,
      mediaTypes,
      architecture,
      os: 'linux',
      layers: [{ size: 20_000, seed: 'shared' }, { size: 9_000 }],
    });
  const list = makeIndex([await make('a', 'docker', 'amd64'), await make('b', 'docker', 'arm64')]);
  const index = makeIndex([await make('c', 'oci', 'amd64'), await make('d', 'oci', 'arm64')], {
    attestations: true,
    annotations: { 'org.opencontainers.image.title': 'annotated', 'com.example/ключ': 'värde' },
  });
  const of = ({ children, manifest }: typeof list) => ({
    blobs: children.flatMap(({ blobs }) => blobs),
    manifests: [...children.map((child) => child.manifest), manifest],
  });
  const middle = encode(oci.index, { manifests: [describe(index.manifest, oci.index)] });
  const nested = encode(oci.index, {
    manifests: [describe(middle, oci.index), describe(list.manifest, docker.index), describe(middle, oci.index)],
  });
  return [
    { name: 'docker-list', ...of(list) },
    { name: 'oci-index-with-attestations', ...of(index) },
    {
      name: 'nested-indexes',
      blobs: [...of(index).blobs, ...of(list).blobs],
      manifests: [...of(index).manifests, ...of(list).manifests, middle, nested],
    },
    { name: 'index-of-nothing', blobs: [], manifests: [encode(oci.index, { manifests: [] })] },
  ];
}

function makeLayers(): UnusualImage[] {
  const config = jsonBlob({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } });
  const image = (
    name: string,
    layers: readonly object[],
    blobs: readonly SampleBlob[],
    types: typeof oci | typeof docker = oci,
  ): UnusualImage => ({
    name,
    blobs: [config, ...blobs],
    manifests: [encode(types.manifest, { config: describe(config, types.config), layers })],
  });
  const zstd = memoryBlob(zstdCompressSync(TAR));
  const gzip = memoryBlob(gzipSync(TAR));
  const nothing = memoryBlob(Buffer.alloc(0));
  const foreign = memoryBlob(Buffer.from('a layer of somebody else'));
  const elsewhere = named(Buffer.from('a layer that no registry has'));
  const urls = ['https://layers.example.com/base.tar.gz'];
  return [
    image(
      'zstd-layers',
      [describe(zstd, `${oci.layer.replace(/gzip$/, 'zstd')}`), describe(gzip, oci.layer)],
      [zstd, gzip],
    ),
    image(
      'empty-layers',
      [describe(gzip, oci.layer), describe(nothing, oci.layer), describe(gzip, oci.layer)],
      [gzip, nothing],
    ),
    image(
      'foreign-layer',
      [
        { mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', ...elsewhere, urls },
        describe(gzip, docker.layer),
      ],
      [gzip],
      docker,
    ),
    image(
      'foreign-layer-served-here',
      [describe(foreign, 'application/vnd.oci.image.layer.nondistributable.v1.tar')],
      [foreign],
    ),
  ];
}

function makeArtifacts(): UnusualImage[] {
  const type = { artifactType: 'application/vnd.example.chart' };
  return [
    { name: 'artifact', ...makeArtifact('application/vnd.example.sbom', 'payload') },
    {
      name: 'artifact-of-nothing',
      blobs: [EMPTY_BLOB],
      manifests: [encode(oci.manifest, { ...type, config: EMPTY, layers: [] })],
    },
    {
      name: 'artifact-empty-layer',
      blobs: [EMPTY_BLOB],
      manifests: [encode(oci.manifest, { ...type, config: EMPTY, layers: [EMPTY] })],
    },
  ];
}

/** The same image in JSON as others write it. */
function makeForms(): UnusualImage[] {
  const config = jsonBlob({ architecture: 'amd64', os: 'linux' });
  const layer = memoryBlob(gzipSync(TAR));
  const parts = { config: describe(config, oci.config), layers: [describe(layer, oci.layer)] };
  const whole = { schemaVersion: 2, mediaType: oci.manifest, ...parts };
  const forms: Record<string, string> = {
    'indented-json': `\n\t${JSON.stringify(whole, null, '\t')}\r\n\n`,
    'reordered-json': JSON.stringify({
      layers: parts.layers,
      'z-first': 1,
      config: parts.config,
      mediaType: oci.manifest,
      schemaVersion: 2,
    }),
    'escaped-json': JSON.stringify(whole).replaceAll('application', '\\u0061pplication').replaceAll('/', '\\/'),
    'unknown-fields': JSON.stringify({
      ...whole,
      layers: [{ ...parts.layers[0], data: 'AAAA' }],
      experimental: { deep: [null, 'NUMBERS'] },
    }).replace('"NUMBERS"', '12345678901234567890, -0.0, 1e400'),
    'no-media-type': JSON.stringify({ schemaVersion: 2, ...parts }),
    'manifest-of-3.9-mb': JSON.stringify({ ...whole, annotations: { padding: 'x'.repeat(3_900_000) } }),
  };
  return Object.entries(forms).map(([name, text]) => ({
    name,
    blobs: [config, layer],
    manifests: [ofText(oci.manifest, text)],
  }));
}

function makeAlgorithms(): UnusualImage[] {
  const config = rename512(jsonBlob({ architecture: 'amd64', os: 'linux', note: 'sha512' }));
  const layer = rename512(memoryBlob(gzipSync(Buffer.alloc(2048))));
  const image = encode(oci.manifest, { config: describe(config, oci.config), layers: [describe(layer, oci.layer)] });
  const renamed = { ...image, ...rename512(image), content: image.content };
  const index = encode(oci.index, { manifests: [describe(renamed, oci.manifest)] });
  return [
    { name: 'sha512-blobs', blobs: [config, layer], manifests: [image] },
    { name: 'sha512-manifest', blobs: [config, layer], manifests: [renamed, index] },
  ];
}

function encode(mediaType: string, fields: object): SampleManifest {
  return ofText(mediaType, JSON.stringify({ schemaVersion: 2, mediaType, ...fields }));
}

function ofText(mediaType: string, text: string): SampleManifest {
  const content = Buffer.from(text);
  return { ...memoryBlob(content), content, mediaType };
}

function named(content: Buffer): { readonly digest: string; readonly size: number } {
  const { digest, size } = memoryBlob(content);
  return { digest, size };
}

function rename512<B extends SampleBlob>(blob: B): B {
  if (!Buffer.isBuffer(blob.content)) throw new Error('only what is in memory');
  return { ...blob, digest: `sha512:${createHash('sha512').update(blob.content).digest('hex')}` };
}
