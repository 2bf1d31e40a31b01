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
    /** What most of that time went to. */
    readonly waitedFor: Step;
    /** Milliseconds of each. */
    readonly steps: Readonly<Record<Step, number>>;
  };
}

/**
 * What a blob that is moved waits for: the source's bytes, the target to take them (to open the upload, too), the target to
 * say that it has them, a pause before another try.
 */
export type Step = 'reading' | 'writing' | 'committing' | 'retrying';

/** Adds up what one blob waits for; what is none of the other steps is `committing`. */
export class StepClock {
  readonly #started = performance.now();
  readonly #steps = { reading: 0, writing: 0, retrying: 0 };

  add(step: Exclude<Step, 'committing'>, milliseconds: number): void {
    this.#steps[step] += milliseconds;
  }

  /** Returns the milliseconds of each step until now. */
  read(): Record<Step, number> & { readonly total: number } {
    const total = Math.round(performance.now() - this.#started);
    const [reading, writing, retrying] = [this.#steps.reading, this.#steps.writing, this.#steps.retrying].map(
      Math.round,
    );
    const known = { reading: reading ?? 0, writing: writing ?? 0, retrying: retrying ?? 0 };
    const committing = Math.max(0, total - known.reading - known.writing - known.retrying);
    return { ...known, committing, total };
  }
}

const STEPS: readonly Step[] = ['reading', 'writing', 'committing', 'retrying'];

/** Each step as people say it. */
const WAITS: Readonly<Record<Step, string>> = {
  reading: 'the source to send',
  writing: 'the target to take the bytes',
  committing: 'the target to finish the upload',
  retrying: 'the next try',
};

/** Counts what happens to blobs, while it happens. */
export class TransferStatistics {
  readonly #blobs = { present: 0, mounted: 0, streamed: 0 };
  readonly #bytes = { present: 0, mounted: 0, streamed: 0 };
  readonly #underWay = new Map<string, StepClock>();
  #slowest: TransferReport['slowest'];
  /** Bytes of all blobs that are wanted so far. */
  wanted = 0;
  /** Bytes that were read from sources so far, those of blobs that failed as well. */
  read = 0;

  /** Bytes that need not be thought of any more. */
  get settled(): number {
    return this.#bytes.present + this.#bytes.mounted;
  }

  begin(blob: Digest, to: string, clock: StepClock = new StepClock()): void {
    this.#underWay.set(`${blob} to ${to}`, clock);
  }

  end(blob: { readonly digest: Digest; readonly size: number }, to: string, road: BlobRoad | undefined): void {
    const key = `${blob.digest} to ${to}`;
    const clock = this.#underWay.get(key);
    this.#underWay.delete(key);
    if (road === undefined) return;
    this.#blobs[road] += 1;
    this.#bytes[road] += blob.size;
    if (road !== 'streamed' || clock === undefined) return;
    const { total: milliseconds, ...steps } = clock.read();
    if (milliseconds <= (this.#slowest?.milliseconds ?? -1)) return;
    const waitedFor = STEPS.reduce((most, step) => (steps[step] > steps[most] ? step : most));
    this.#slowest = { blob: blob.digest, to, bytes: blob.size, milliseconds, waitedFor, steps };
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

function describeSlowest(slowest: NonNullable<TransferReport['slowest']>): string {
  const { blob, to, bytes, milliseconds, waitedFor, steps } = slowest;
  return (
    `${shortDigest(blob)} to ${to}, ${formatBytes(bytes)} in ${formatDuration(milliseconds)}, ` +
    `${formatDuration(steps[waitedFor])} of it for ${WAITS[waitedFor]}`
  );
}
