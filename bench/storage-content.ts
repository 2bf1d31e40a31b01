import { createHash } from 'node:crypto';

/** One file in all the versions of a package name. */
export interface Slot {
  readonly path: string;
  readonly mode: '100644' | '100755';
  readonly kind: 'text' | 'image';
  /** Bytes. */
  readonly size: number;
  /** How likely it is to be another one in the next version. */
  readonly change: number;
}

/** Numbers below 1 that depend on nothing but what they are asked for. */
export type Dice = (...about: readonly number[]) => number;

/** Makes the dice of a seed; https://en.wikipedia.org/wiki/MurmurHash#Algorithm mixes the numbers. */
export function diceOf(seed: string): Dice {
  const start = createHash('sha256').update(seed).digest().readUInt32BE(0);
  return (...about) => {
    let hash = start;
    for (const number of about) {
      hash = Math.imul(hash ^ number, 0xcc9e2d51);
      hash = Math.imul((hash << 15) | (hash >>> 17), 0x1b873593) + 0xe6546b64;
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
  };
}

/** What is asked of the dice about a name, a slot or a version. */
const [FILES, FILES_2, SIZE, SIZE_2, KIND, WEIGHT, MODE, CHANGE, PLACE] = [1, 2, 3, 4, 5, 6, 7, 8, 9];

/** The real storage: 28 files in the middle and 67 on average, 0.69 MB in the middle and 1.1 MB on average. */
const FILES_PER_VERSION = { median: 28, spread: 1.2, least: 3, most: 729 };
const BYTES_PER_VERSION = { median: 690_000, spread: 0.9, least: 15_000, most: 17_000_000 };

/** Returns the files of a package name. */
export function slotsOf(name: number, dice: Dice): Slot[] {
  const count = Math.round(spread(FILES_PER_VERSION, dice(name, FILES), dice(name, FILES_2)));
  const bytes = spread(BYTES_PER_VERSION, dice(name, SIZE), dice(name, SIZE_2));
  const drafts = Array.from({ length: count }, (_, index) => ({
    ...draftSlot(index, dice(name, index, KIND)),
    weight: 0.2 + dice(name, index, WEIGHT) ** 3 * 4,
    mode: dice(name, index, MODE) < 0.95 ? ('100755' as const) : ('100644' as const),
  }));
  const total = drafts.reduce((sum, { weight, share }) => sum + weight * share, 0);
  return drafts.map(({ weight, share, ...slot }) => ({
    ...slot,
    size: Math.max(60, Math.round((bytes * weight * share) / total)),
  }));
}

/** A number of a log-normal distribution; https://en.wikipedia.org/wiki/Box–Muller_transform. */
function spread({ median, spread: sigma, least, most }: typeof FILES_PER_VERSION, a: number, b: number): number {
  const normal = Math.sqrt(-2 * Math.log(a || 1e-9)) * Math.cos(2 * Math.PI * b);
  return Math.min(most, Math.max(least, median * Math.exp(sigma * normal)));
}

function draftSlot(index: number, kind: number): Omit<Slot, 'size' | 'mode'> & { readonly share: number } {
  if (index === 0) return { path: 'manifest.yml', kind: 'text', share: 0.2, change: 1 };
  if (index === 1) return { path: 'changelog.yml', kind: 'text', share: 0.5, change: 1 };
  if (index === 2) return { path: 'docs/README.md', kind: 'text', share: 1, change: 0.25 };
  if (kind < 0.12) return { path: `img/screen-${index}.png`, kind: 'image', share: 14, change: 0.03 };
  if (kind < 0.45) return { path: `kibana/dashboard/id-${index}.json`, kind: 'text', share: 3, change: 0.14 };
  const stream = `data_stream/stream_${index % 11}`;
  if (kind < 0.75) return { path: `${stream}/fields/fields-${index}.yml`, kind: 'text', share: 1, change: 0.12 };
  if (kind < 0.85) return { path: `${stream}/agent/stream/s-${index}.yml.hbs`, kind: 'text', share: 0.4, change: 0.08 };
  const path = `${stream}/elasticsearch/ingest_pipeline/p-${index}.yml`;
  return { path, kind: 'text', share: 1.5, change: 0.14 };
}

/** Returns which content a slot has in each of a name's versions; equal numbers are equal contents. */
export function contentsOf(name: number, slots: readonly Slot[], versions: number, dice: Dice): number[][] {
  return slots.map(({ change }, slot) => {
    let content = 0;
    return Array.from({ length: versions }, (_, version) => {
      if (version > 0 && dice(name, slot, version, CHANGE) < change) content = version;
      return content;
    });
  });
}

const POOL = 8 * 1024 * 1024;

/** Makes the bytes of files: pieces of what was made once, so that gigabytes are made in seconds. */
export class Contents {
  readonly #pools: Readonly<Record<Slot['kind'], Buffer>>;
  readonly #dice: Dice;

  constructor(seed: string, dice: Dice) {
    this.#dice = dice;
    this.#pools = { image: randomPool(seed), text: textPool(dice) };
  }

  /** Returns the content of a slot; every name, slot and content number gives another one. */
  make(name: number, slot: number, content: number, { kind, size }: Slot): Buffer {
    const mark = Buffer.from(
      kind === 'image' ? `\x89PNG\r\n${name}.${slot}.${content}\n` : `# ${name}.${slot}.${content}\n`,
    );
    const pool = this.#pools[kind];
    const pieces: Buffer[] = [mark];
    for (let missing = size - mark.length, piece = 0; missing > 0; piece += 1) {
      const length = Math.min(missing, POOL / 4);
      const start = Math.floor(this.#dice(name, slot, content, piece, PLACE) * (POOL - length));
      pieces.push(pool.subarray(start, start + length));
      missing -= length;
    }
    return Buffer.concat(pieces);
  }
}

function randomPool(seed: string): Buffer {
  const blocks = Array.from({ length: POOL / 32 }, (_, index) =>
    createHash('sha256').update(`${seed} ${index}`).digest(),
  );
  return Buffer.concat(blocks);
}

/** Text that is deflated to a quarter, as fields and dashboards are. */
function textPool(dice: Dice): Buffer {
  const words = Array.from({ length: 600 }, (_, word) => {
    const length = 3 + Math.floor(dice(word, 77) * 9);
    return Array.from({ length }, (_, at) => String.fromCharCode(97 + Math.floor(dice(word, at, 78) * 26))).join('');
  });
  const parts: string[] = [];
  for (let size = 0, index = 0; size < POOL; index += 1) {
    const word = words[Math.floor(dice(index, 79) ** 2.2 * words.length)] ?? '';
    const part = dice(index, 80) < 0.3 ? `\n    - name: ${word}\n      type: ` : `${word} `;
    parts.push(part);
    size += part.length;
  }
  return Buffer.from(parts.join('')).subarray(0, POOL);
}
