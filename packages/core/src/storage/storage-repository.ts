import { BlobReader } from '../github/blob-reader.ts';
import type { GitHub } from '../github/connect.ts';
import { TreeReader } from '../github/tree-reader.ts';

/** The storage repository, and what has been read of it: trees and blobs never change, so each is read once. */
export interface StorageRepository {
  readonly github: GitHub;
  /** `owner/name`. */
  readonly name: string;
  readonly trees: TreeReader;
  readonly blobs: BlobReader;
}

/** Opens a storage repository; nothing is asked yet. */
export function openStorageRepository(github: GitHub, name: string): StorageRepository {
  return { github, name, trees: new TreeReader(github, name), blobs: new BlobReader(github, name) };
}
