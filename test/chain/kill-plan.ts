/** Where in a job its machine dies: before its first step, when the work is done and not yet told, or in the middle. */
export type Moment = 'before' | 'after' | 'at a line' | 'at a time';

/** How people or the schedule go on after it. */
export type Heal = 'failed jobs again' | 'all jobs again' | 'another command' | 'sweep';

export interface Kill {
  /** What the full id of the job begins with. */
  readonly job: string;
  readonly moment: Moment;
  /** How far into the job, from 0 to 1; of its lines or of its milliseconds. */
  readonly fraction: number;
  /** Whether the machines of all that follows in the run die as well, as when the power is cut. */
  readonly isWhole: boolean;
  readonly heal: Heal;
}

/** A job that can be killed, and how what remains can be healed. */
export interface Target {
  readonly job: string;
  readonly heals: readonly Heal[];
}

const BOUNDARIES: readonly Moment[] = ['before', 'after'];
const MIDDLES: readonly Moment[] = ['at a line', 'at a time'];

/**
 * Returns a kill of each target, in turns at a boundary and inside; each with another heal than the one before, as far as
 * the target has several.
 */
export function planOneEach(targets: readonly Target[], random: () => number): Kill[] {
  const turn = pick([0, 1], random);
  return targets.map((target, index) => {
    const moments = (index + turn) % 2 === 0 ? BOUNDARIES : MIDDLES;
    const heal = target.heals[(index + turn) % target.heals.length] ?? 'failed jobs again';
    return planKill(target.job, pick(moments, random), heal, random);
  });
}

/** Returns as many kills as asked for, anywhere. */
export function planMany(targets: readonly Target[], count: number, random: () => number): Kill[] {
  return Array.from({ length: count }, () => {
    const target = pick(targets, random);
    return planKill(target.job, pick([...BOUNDARIES, ...MIDDLES], random), pick(target.heals, random), random);
  });
}

function planKill(job: string, moment: Moment, heal: Heal, random: () => number): Kill {
  const [fraction, luck] = [random(), random()];
  // A sweep goes by what stands in the record, and a report that still ran would have written there that it failed.
  return { job, moment, fraction, isWhole: heal === 'sweep' || luck < 0.3, heal };
}

export function describeKill({ job, moment, fraction, isWhole, heal }: Kill): string {
  const when = MIDDLES.includes(moment) ? `${moment} (${fraction.toFixed(3)})` : moment;
  return `${job}: killed ${when}${isWhole ? ' with all that follows' : ''}, healed by: ${heal}`;
}

function pick<T>(items: readonly [T, ...T[]] | readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('there is nothing to choose from');
  return item;
}

/** Returns numbers from 0 up to 1 that the seed decides, by mulberry32: good enough to choose with, and ten lines. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
