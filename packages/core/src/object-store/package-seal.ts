import type { ContentDigest } from './content-digest.ts';
import type { StoredObject } from './oss-bucket.ts';

/**
 * What the checksum object tells of the package beside it, in its metadata.
 *
 * A package that is streamed has its SHA-256 when its last byte has been sent, too late for its own metadata, which OSS
 * takes at the beginning of an upload only. The checksum object is written last, by a run that has read the whole package;
 * so the composition that it names, which is known before a byte is read, stands for these sums. They say which object
 * is meant: beside another one, with another CRC-64, the seal is void.
 *
 * A copy of the object onto itself could put the SHA-256 into its metadata afterwards, and would be worse than none. The
 * object is there without it until the copy ends, so a reader gains nothing; the copy replaces what is released, without
 * OSS's own refusal to overwrite, and may replace what somebody else has put there in between; it is a second version
 * where versions are kept, and forbidden where they are locked; above 1 GB it is an upload in parts of its own, which can
 * be killed half-way. https://help.aliyun.com/en/oss/developer-reference/copyobject
 */
export interface PackageSeal {
  /** See `PackageContent`. */
  readonly composition: string;
  readonly digest: ContentDigest;
}

/** Returns a seal as metadata of an object. */
export function encodeSeal({ composition, digest: { sha256, size, crc64 } }: PackageSeal): Record<string, string> {
  return { composition, 'package-sha256': sha256, 'package-size': String(size), 'package-crc64': crc64 };
}

/** Returns the seal in an object's metadata; undefined when there is none, or one that cannot be read. */
export function readSeal(meta: Readonly<Record<string, string>>): PackageSeal | undefined {
  const { composition, 'package-sha256': sha256, 'package-size': size, 'package-crc64': crc64 } = meta;
  if (composition === undefined || sha256 === undefined || size === undefined || crc64 === undefined) return undefined;
  const valid = [composition, sha256].every((sum) => /^[0-9a-f]{64}$/.test(sum));
  return valid && [size, crc64].every((number) => /^\d{1,20}$/.test(number))
    ? { composition, digest: { sha256, size: Number(size), crc64 } }
    : undefined;
}

/** Returns what is stored with the SHA-256 that the checksum object beside it knows, where its own metadata has none. */
export function applySeal(
  stored: StoredObject | undefined,
  checksum: StoredObject | undefined,
): StoredObject | undefined {
  const seal = readSeal(checksum?.meta ?? {})?.digest;
  const applies = stored !== undefined && stored.crc64 === seal?.crc64 && stored.size === seal?.size;
  return applies && stored.sha256 === undefined ? { ...stored, sha256: seal?.sha256 } : stored;
}
