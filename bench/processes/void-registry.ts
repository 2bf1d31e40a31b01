/**
 * A registry that keeps nothing, in a process of its own: `void-registry.ts [<blobs> <bytes>]`.
 *
 * Given a number of blobs and the bytes of each it has an image of them, `team/app:v1.0.0`. It sends its address, and the
 * image's digest, to its parent.
 */
import { Readable } from 'node:stream';
import { MEDIA_TYPES, manifestBlob } from '@slipway/sandbox/images/sample-image';
import { MadeBlob } from '../made-blob.ts';
import { digestOf, startVoidRegistry, type VoidBlob } from '../void-registry.ts';

const [count = 0, size = 0] = process.argv.slice(2).map(Number);
const types = MEDIA_TYPES.oci;
const layers = Array.from({ length: count }, (_, index) => new MadeBlob(`void-${index}`, size));
// Nobody unpacks these layers, so nobody can tell that the digests are not those of their tars.
const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) };
const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs }));
const manifest = manifestBlob(types.manifest, {
  config: { mediaType: types.config, digest: digestOf(config), size: config.length },
  layers: layers.map((layer) => ({ mediaType: types.layer, digest: layer.digest, size: layer.size })),
});
const blobs = new Map<string, VoidBlob>(layers.map((layer) => [layer.digest, layer]));
blobs.set(digestOf(config), {
  size: config.length,
  open: (start, end) => Readable.from([config.subarray(start, end)], { objectMode: false }),
});
const names = ['v1.0.0', manifest.digest].map((reference) => [`team/app:${reference}`, manifest] as const);
const { url } = await startVoidRegistry(blobs, new Map(count === 0 ? [] : names));
process.send?.({ url, digest: manifest.digest });
process.once('disconnect', () => process.exit());
