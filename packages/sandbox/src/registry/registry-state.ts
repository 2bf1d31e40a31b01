import { requireDigest } from './digest.ts';
import type { Stores } from './exchange.ts';
import type { Upload } from './upload-store.ts';

/** What is on disk, for tests to look at without speaking the protocol that they test. */
export interface RegistryState {
  repositories(): Promise<string[]>;
  tags(repository: string): Promise<string[]>;
  /** Finds a manifest by tag or digest. */
  manifest(
    repository: string,
    reference: string,
  ): Promise<{ readonly digest: string; readonly mediaType: string; readonly content: Buffer } | undefined>;
  /** Tells whether a blob's bytes are here, or, with a repository, whether that one may see them. */
  hasBlob(digest: string, repository?: string): Promise<boolean>;
  /** Lists the digests of the blobs that a repository may see. */
  blobs(repository: string): Promise<string[]>;
  /** Lists unfinished uploads with the bytes received so far. */
  uploads(): Promise<Upload[]>;
}

export function readState({ blobs, uploads, manifests }: Stores): RegistryState {
  return {
    repositories: () => manifests.repositories(),
    tags: (repository) => manifests.tags(repository),
    manifest: async (repository, reference) => {
      const found = await manifests.find(repository, reference);
      return found === undefined ? undefined : { ...found, digest: found.digest.text };
    },
    hasBlob: async (text, repository) => {
      const digest = requireDigest(text);
      const size = await (repository === undefined ? blobs.size(digest) : blobs.sizeIn(repository, digest));
      return size !== undefined;
    },
    blobs: (repository) => blobs.list(repository),
    uploads: () => uploads.list(),
  };
}
