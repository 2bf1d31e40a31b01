import { seededRandom } from '../chain/kill-plan.ts';
import type { Job } from './place.ts';
import type { Side } from './request-kinds.ts';

/** A process that is killed while it moves something, and what the next one finds. */
export interface TransferKill {
  readonly job: Job;
  /** Whose traffic says when. */
  readonly side: Side;
  readonly measure: 'requests' | 'bytes';
  /** How far, from 0 to 1 of what goes over that wire when nobody disturbs it. */
  readonly fraction: number;
  /** Whether the next run has the work directory of the killed one, or a machine that is new. */
  readonly heal: 'same' | 'fresh';
  /** Whether blobs are kept on their way. */
  readonly spools: boolean;
  /** What the registry does with a chunk that did not arrive whole. */
  readonly brokenChunks: 'keep' | 'drop';
}

/** Of ten kills, so many are of each job: what moves most dies most. */
const JOBS: readonly Job[] = [
  'sync',
  'upload-plugin',
  'sync',
  'bundle',
  'sync',
  'upload-file',
  'upload-plugin',
  'sync',
  'upload-file',
  'sync',
];

const SIDES: Readonly<Record<Job, readonly Side[]>> = {
  sync: ['source', 'target'],
  bundle: ['target'],
  'upload-file': ['oss'],
  'upload-plugin': ['target', 'oss'],
};

/** Plans the kill of an index; it needs no other one, so that each can be repeated alone. */
export function planTransferKill(seed: number, index: number): TransferKill {
  const random = seededRandom(seed * 100_003 + index);
  const pick = <T>(items: readonly [T, ...T[]] | readonly T[]): T => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new Error('there is nothing to choose from');
    return item;
  };
  const job = JOBS[index % JOBS.length] ?? 'sync';
  return {
    job,
    side: pick(SIDES[job]),
    measure: random() < 0.7 ? 'bytes' : 'requests',
    fraction: random(),
    heal: index % 3 === 2 ? 'fresh' : 'same',
    spools: job === 'sync' && random() < 0.5,
    brokenChunks: pick(['keep', 'drop']),
  };
}

export function describeTransferKill({ job, side, measure, fraction, ...kill }: TransferKill): string {
  const more = job === 'sync' ? `, spool ${kill.spools ? 'on' : 'off'}, broken chunks: ${kill.brokenChunks}` : '';
  return `${job} after ${(fraction * 100).toFixed(1)} % of the ${measure} of ${side}, again with the ${kill.heal} work directory${more}`;
}
