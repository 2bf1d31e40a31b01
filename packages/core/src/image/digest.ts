import { createHash, type Hash } from 'node:crypto';
import { ActionError } from '../errors.ts';

/**
 * `<algorithm>:<hex>` as OCI descriptors have it, `sha256:…` or `sha512:…`.
 *
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md#digests
 */
export type Digest = string;

const PATTERN = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export function isDigest(text: string): boolean {
  return PATTERN.test(text);
}

/** Returns the digest of bytes in memory. */
export function digestOf(bytes: Buffer | string, algorithm: 'sha256' | 'sha512' = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** Returns the two parts of a digest; throws a RangeError for an algorithm that is not registered. */
export function splitDigest(digest: Digest): { algorithm: 'sha256' | 'sha512'; hex: string } {
  if (!isDigest(digest)) throw new RangeError(`'${digest}' is no sha256 or sha512 digest`);
  const [algorithm, hex] = digest.split(':') as ['sha256' | 'sha512', string];
  return { algorithm, hex };
}

/** Returns `digest` short enough for a line of a log: `sha256:0123456789ab`. */
export function shortDigest(digest: Digest): string {
  const { algorithm, hex } = splitDigest(digest);
  return `${algorithm}:${hex.slice(0, 12)}`;
}

/**
 * Passes a stream on while its digest and size are computed, and throws when they are not what was promised.
 *
 * The last chunk is held back until the digest is known: whoever receives this stream can never have all of a wrong one.
 */
export async function* verifyStream(
  source: AsyncIterable<Buffer>,
  expected: { readonly digest: Digest; readonly size: number },
  where: string,
): AsyncGenerator<Buffer, void> {
  const hash: Hash = createHash(splitDigest(expected.digest).algorithm);
  let size = 0;
  let held: Buffer | undefined;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > expected.size) break;
    hash.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  if (size !== expected.size) {
    throw new ActionError(
      'size-mismatch',
      `${where}: blob ${expected.digest} should have ${expected.size} bytes, but ` +
        `${size > expected.size ? 'more' : `only ${size}`} arrived. The registry's copy is damaged: push the image again.`,
    );
  }
  const actual = `${splitDigest(expected.digest).algorithm}:${hash.digest('hex')}`;
  if (actual !== expected.digest) {
    throw new ActionError(
      'digest-mismatch',
      `${where}: blob ${expected.digest} arrived with the digest ${actual}. ` +
        "The registry's copy or the way to it is damaged: run again, and if it stays so push the image again.",
    );
  }
  if (held !== undefined) yield held;
}
