import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ActionError, messageOf } from '../errors.ts';
import { type Digest, digestOf, isDigest, splitDigest } from '../image/digest.ts';
import { type Descriptor, isAttestation, parseManifest } from '../image/manifest.ts';
import { type Content, fileContent } from '../util/content.ts';

/** An image that another program has built. */
export interface BuiltLayout {
  /** The configuration as it was written. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly layers: readonly { readonly descriptor: Descriptor; readonly diffId: Digest; readonly content: Content }[];
}

/**
 * Reads the one image of an OCI layout; throws an ActionError for a layout that holds none.
 *
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
 */
export async function readBuiltLayout(directory: string): Promise<BuiltLayout> {
  try {
    const index = await readFile(join(directory, 'index.json'));
    const { config, layers } = await findImage(directory, index, 'application/vnd.oci.image.index.v1+json');
    const value: unknown = JSON.parse((await readFile(blobPath(directory, config.digest))).toString('utf8'));
    const settings = asObject(value);
    const diffIds = asObject(settings['rootfs'])['diff_ids'];
    if (!Array.isArray(diffIds) || diffIds.length !== layers.length) throw new Error('its layers are not all named');
    const read = layers.map(async (descriptor, position) => {
      const diffId: unknown = diffIds[position];
      if (typeof diffId !== 'string' || !isDigest(diffId)) throw new Error(`'${diffId}' is no digest`);
      return { descriptor, diffId, content: await fileContent(blobPath(directory, descriptor.digest)) };
    });
    return { config: settings, layers: await Promise.all(read) };
  } catch (error) {
    const message = `What the builder has written is no image: ${messageOf(error)}. Try another version of it.`;
    throw new ActionError('builder-output', message, { cause: error });
  }
}

async function findImage(directory: string, bytes: Buffer, mediaType: string) {
  const parsed = parseManifest({ mediaType, digest: digestOf(bytes), bytes }, 'the layout');
  if (parsed.kind === 'image') return parsed;
  const [first, second] = parsed.manifests.filter((manifest) => !isAttestation(manifest));
  if (first === undefined || second !== undefined) throw new Error('it holds not one image but none or several');
  return findImage(directory, await readFile(blobPath(directory, first.digest)), first.mediaType);
}

function blobPath(directory: string, digest: Digest): string {
  const { algorithm, hex } = splitDigest(digest);
  return join(directory, 'blobs', algorithm, hex);
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
