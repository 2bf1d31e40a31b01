import { createHash } from 'node:crypto';
import type { UnusualImage } from './unusual-images.ts';

/** Compares what a registry serves with what was made: every byte of every manifest and blob; returns what differs. */
export async function findDifferences(
  registryUrl: string,
  repository: string,
  image: Omit<UnusualImage, 'name'>,
  tag: string,
): Promise<string[]> {
  const differences: string[] = [];
  const read = async (path: string): Promise<Buffer | undefined> => {
    const accept = image.manifests.map(({ mediaType }) => mediaType).join(', ');
    const response = await fetch(`${registryUrl}/v2/${repository}/${path}`, {
      headers: path.startsWith('manifests/') ? { accept } : {},
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    if (response.status === 200) return bytes;
    differences.push(`${path} is answered with ${response.status}: ${bytes.toString('utf8').slice(0, 500)}`);
    return undefined;
  };
  for (const manifest of image.manifests) {
    const references = manifest === image.manifests.at(-1) ? [manifest.digest, tag] : [manifest.digest];
    for (const reference of references) {
      const bytes = await read(`manifests/${reference}`);
      if (bytes?.equals(manifest.content) === false) differences.push(`manifests/${reference} has other bytes`);
    }
  }
  for (const { digest, size } of image.blobs) {
    const bytes = await read(`blobs/${digest}`);
    const [algorithm = '', hex] = digest.split(':');
    if (bytes === undefined) continue;
    const equal = bytes.length === size && createHash(algorithm).update(bytes).digest('hex') === hex;
    if (!equal) differences.push(`blobs/${digest} has other bytes`);
  }
  return differences;
}
