import { type Digest, shortDigest } from '../image/digest.ts';
import { formatBytes, formatDuration } from '../util/units.ts';

/** How a blob came to the target: it was there, it was mounted from a neighbour, or its bytes were moved. */
export type BlobRoad = 'present' | 'mounted' | 'streamed';

/** What a transfer did, as JSON. */
export interface TransferReport {
  readonly images: Readonly<Record<'copied' | 'skipped' | 'failed', number>>;
  /** Blobs by how they came. */
  readonly blobs: Readonly<Record<BlobRoad, number>>;
  /** Bytes of those blobs. */
  readonly bytes: Readonly<Record<BlobRoad, number>>;
  /** Requests that were sent again. */
  readonly retries: number;
  /** The blob that took longest. */
  readonly slowest?: {
    readonly blob: Digest;
    readonly to: string;
    readonly bytes: number;
    readonly milliseconds: number;
  };
}

/** Counts what happens to blobs, while it happens. */
export class TransferStatistics {
  readonly #blobs = { present: 0, mounted: 0, streamed: 0 };
  readonly #bytes = { present: 0, mounted: 0, streamed: 0 };
  readonly #underWay = new Map<string, number>();
  #slowest: TransferReport['slowest'];
  /** Bytes of all blobs that are wanted so far. */
  wanted = 0;
  /** Bytes that were read from sources so far, those of blobs that failed as well. */
  read = 0;

  /** Bytes that need not be thought of any more. */
  get settled(): number {
    return this.#bytes.present + this.#bytes.mounted;
  }

  begin(blob: Digest, to: string): void {
    this.#underWay.set(`${blob} to ${to}`, Date.now());
  }

  end(blob: { readonly digest: Digest; readonly size: number }, to: string, road: BlobRoad | undefined): void {
    const key = `${blob.digest} to ${to}`;
    const milliseconds = Date.now() - (this.#underWay.get(key) ?? Date.now());
    this.#underWay.delete(key);
    if (road === undefined) return;
    this.#blobs[road] += 1;
    this.#bytes[road] += blob.size;
    if (road === 'streamed' && milliseconds > (this.#slowest?.milliseconds ?? -1)) {
      this.#slowest = { blob: blob.digest, to, bytes: blob.size, milliseconds };
    }
  }

  /** Says what has been under way for the longest time, undefined when nothing is. */
  oldest(): string | undefined {
    return this.#underWay.keys().next().value;
  }

  report(images: readonly { readonly result?: 'copied' | 'skipped' | 'failed' }[], retries: number): TransferReport {
    const count = (wanted: string): number => images.filter(({ result }) => result === wanted).length;
    return {
      images: { copied: count('copied'), skipped: count('skipped'), failed: count('failed') },
      blobs: { ...this.#blobs },
      bytes: { ...this.#bytes },
      retries,
      ...(this.#slowest !== undefined && { slowest: this.#slowest }),
    };
  }
}

/** Returns a report as rows for people: what, and how much. */
export function describeTransfer({ images, blobs, bytes, retries, slowest }: TransferReport): [string, string][] {
  const saved = bytes.mounted + bytes.present;
  return [
    ['images', `${images.copied} copied, ${images.skipped} skipped, ${images.failed} failed`],
    ['blobs', `${blobs.streamed} moved, ${blobs.mounted} mounted, ${blobs.present} there already`],
    ['bytes', `${formatBytes(bytes.streamed)} moved, ${formatBytes(saved)} saved`],
    ['retries', String(retries)],
    ...(slowest === undefined ? [] : [['slowest blob', describeSlowest(slowest)] satisfies [string, string]]),
  ];
}

function describeSlowest({ blob, to, bytes, milliseconds }: NonNullable<TransferReport['slowest']>): string {
  return `${shortDigest(blob)} to ${to}, ${formatBytes(bytes)} in ${formatDuration(milliseconds)}`;
}
