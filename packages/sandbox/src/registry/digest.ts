import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { RegistryError } from './registry-error.ts';

export type Algorithm = 'sha256' | 'sha512';

/** The name of content: `<algorithm>:<hex>`. */
export interface Digest {
  readonly algorithm: Algorithm;
  readonly hex: string;
  /** Both, as they are written in manifests and addresses. */
  readonly text: string;
}

/** Reads a digest, or returns undefined when the text is none. */
export function readDigest(text: string): Digest | undefined {
  const hex = text.slice(text.indexOf(':') + 1);
  if (/^sha256:[a-f0-9]{64}$/.test(text)) return { algorithm: 'sha256', hex, text };
  if (/^sha512:[a-f0-9]{128}$/.test(text)) return { algorithm: 'sha512', hex, text };
  return undefined;
}

/** Reads a digest that a request must hold; anything else is refused with DIGEST_INVALID. */
export function requireDigest(text: string | null): Digest {
  const digest = readDigest(text ?? '');
  if (digest === undefined) {
    throw new RegistryError(400, 'DIGEST_INVALID', 'provided digest is not <algorithm>:<hex>', { detail: text });
  }
  return digest;
}

/** Computes the digest of a text's or buffer's bytes. */
export function digestOf(content: Buffer, algorithm: Algorithm = 'sha256'): Digest {
  const hex = createHash(algorithm).update(content).digest('hex');
  return { algorithm, hex, text: `${algorithm}:${hex}` };
}

/** Computes the digest of a file without holding it in memory. */
export async function digestOfFile(path: string, algorithm: Algorithm): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  return `${algorithm}:${hash.digest('hex')}`;
}
