import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Content } from './content.ts';
import { ContentDirectory } from './content-directory.ts';
import { compareKeys } from './listing.ts';
import { isContent, isTextMap, isTexts } from './record-shape.ts';

/** What a writer says about an object and gets back when reading it. */
export interface ObjectHeaders {
  /** Standard headers such as `content-type`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The `x-oss-meta-*` headers, without that prefix. */
  readonly meta: Readonly<Record<string, string>>;
}

export interface StoredObject extends Content, ObjectHeaders {
  readonly key: string;
  /** Upper case, without quotes; with a `-<parts>` ending for a multipart upload. */
  readonly etag: string;
  readonly type: 'Normal' | 'Multipart';
  /** ISO 8601. */
  readonly lastModified: string;
}

function isStoredObject(value: unknown): value is StoredObject {
  return (
    isContent(value) &&
    isTexts(value, 'key', 'etag', 'type', 'lastModified') &&
    isTextMap(value['headers']) &&
    isTextMap(value['meta'])
  );
}

/** The objects of one bucket. */
export class ObjectStore {
  readonly #contents: ContentDirectory<StoredObject>;

  constructor(bucketDirectory: string) {
    this.#contents = new ContentDirectory(join(bucketDirectory, 'objects'), isStoredObject);
  }

  open(): Promise<void> {
    return this.#contents.open();
  }

  newBody(): string {
    return this.#contents.newBody();
  }

  read(key: string): Promise<StoredObject | undefined> {
    return this.#contents.read(idOf(key));
  }

  openBody(key: string): Promise<{ record: StoredObject; file: FileHandle } | undefined> {
    return this.#contents.openBody(idOf(key));
  }

  /** Answers false, and throws the new bytes away, when overwriting is forbidden and the key is taken. */
  commit(object: StoredObject, forbidOverwrite: boolean): Promise<boolean> {
    return this.#contents.commit(idOf(object.key), object, forbidOverwrite);
  }

  remove(key: string): Promise<void> {
    return this.#contents.remove(idOf(key));
  }

  /** All objects in the order of OSS's listings. */
  async list(): Promise<StoredObject[]> {
    return (await this.#contents.all()).sort((a, b) => compareKeys(a.key, b.key));
  }
}

/** Keys may be longer than file names and hold any character. */
function idOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
