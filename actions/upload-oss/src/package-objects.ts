import { basename } from 'node:path';
import type { Runtime } from '@slipway/core/action/action';
import type { PackageContent } from '@slipway/core/archive/package';
import { bytesSource, type ContentDigest, type Source } from '@slipway/core/object-store/content-digest';
import { digestContent } from '@slipway/core/object-store/content-parts';
import type { OssBucket, StoredObject } from '@slipway/core/object-store/oss-bucket';
import { applySeal, encodeSeal, readSeal } from '@slipway/core/object-store/package-seal';
import { streamUpload } from '@slipway/core/object-store/stream-upload';
import { applyUpload, type PlannedUpload, planUpload } from '@slipway/core/object-store/upload';
import { checksumUri, type OssUri } from '@slipway/core/object-store/uri';
import { repeatOnDamage } from '@slipway/core/registry/spool';
import { transfer } from './transfer.ts';

/** What stood at the two keys before. */
export interface ObjectsBefore {
  readonly stored: StoredObject | undefined;
  readonly checksum: StoredObject | undefined;
}

/** The object of a package that is streamed, and that of its checksum. */
export class PackageObjects {
  readonly #bucket: OssBucket;
  readonly #key: string;
  readonly #checksumKey: string;
  readonly #content: PackageContent;
  readonly #before: ObjectsBefore;
  readonly #overwrite: boolean;

  constructor(
    bucket: OssBucket,
    destination: OssUri,
    content: PackageContent,
    before: ObjectsBefore,
    overwrite: boolean,
  ) {
    this.#bucket = bucket;
    this.#key = destination.key;
    this.#checksumKey = checksumUri(destination).key;
    this.#content = content;
    this.#before = before;
    this.#overwrite = overwrite;
  }

  /**
   * Decides what has to be done. Where nothing stands yet, the package is not read for that; where something does, its
   * digest has to be known before anything is written: from the seal of the checksum object, else by reading the package.
   */
  async plan(): Promise<[PlannedUpload, ...PlannedUpload[]]> {
    const { stored, checksum } = this.#before;
    if (stored === undefined && checksum === undefined) {
      const digest = { size: this.#content.size, sha256: '', crc64: '' };
      return [{ key: this.#key, uri: this.#bucket.uri(this.#key), digest, result: 'upload' }];
    }
    const digest = this.#sealed() ?? (await repeatOnDamage(() => digestContent(this.#content)));
    const planned = planUpload(this.#bucket, this.#key, applySeal(stored, checksum), digest, this.#overwrite);
    return [planned, (await this.#planChecksum(digest)).planned];
  }

  /** Does what is planned for the package, then puts its checksum; returns what was done to the two. */
  async upload(planned: PlannedUpload, runtime: Runtime): Promise<[PlannedUpload, PlannedUpload]> {
    const options = { forbidOverwrite: planned.result === 'upload' };
    const done = await transfer(
      planned,
      async (report) => {
        if (planned.result === 'unchanged') return planned;
        const stream = () => streamUpload(this.#bucket, this.#key, this.#content, options, report);
        return { ...planned, digest: await repeatOnDamage(stream) };
      },
      runtime,
    );
    const checksum = await this.#planChecksum(done.digest);
    await transfer(
      checksum.planned,
      async (report) => {
        await applyUpload(this.#bucket, checksum.planned, checksum.source, report);
        return checksum.planned;
      },
      runtime,
    );
    return [done, checksum.planned];
  }

  /** What the checksum object says that a package of this composition is. */
  #sealed(): ContentDigest | undefined {
    const seal = readSeal(this.#before.checksum?.meta ?? {});
    const { composition, size } = this.#content;
    return seal?.composition === composition && seal.digest.size === size ? seal.digest : undefined;
  }

  async #planChecksum(digest: ContentDigest): Promise<{ planned: PlannedUpload; source: Source }> {
    const source = await bytesSource(Buffer.from(`${digest.sha256}  ${basename(this.#key)}\n`));
    const meta = encodeSeal({ composition: this.#content.composition, digest });
    const before = this.#before.checksum;
    const planned = planUpload(this.#bucket, this.#checksumKey, before, source.digest, this.#overwrite);
    return { planned: { ...planned, meta }, source };
  }
}
