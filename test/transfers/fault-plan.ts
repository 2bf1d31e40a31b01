import { seededRandom } from '../chain/kill-plan.ts';
import type { Job } from './place.ts';
import { momentsOf, type RequestKind, SYNC_KINDS, UPLOAD_KINDS } from './request-kinds.ts';
import type { Mischief, WireFault } from './wire-fault.ts';

/** A fault that a seed has chosen. */
export interface PlannedFault {
  readonly job: Job;
  readonly kind: RequestKind;
  readonly fault: WireFault;
}

/** How many requests of each kind a job makes when nobody disturbs it. */
export type Calm = (job: Job, kind: RequestKind) => number;

/** The kinds of requests that each job makes. */
export const KINDS: Readonly<Record<Job, readonly RequestKind[]>> = {
  sync: SYNC_KINDS,
  bundle: UPLOAD_KINDS.filter(({ side }) => side !== 'oss'),
  'upload-file': UPLOAD_KINDS.filter(({ side }) => side === 'oss'),
  'upload-plugin': UPLOAD_KINDS,
};

const JOBS: readonly Job[] = ['sync', 'sync', 'upload-plugin', 'upload-plugin', 'upload-file', 'bundle'];

/** Statuses with which servers, and what stands before them, refuse. */
const STATUSES = [400, 401, 403, 404, 408, 416, 429, 500, 502, 503, 504] as const;

/** What a refusal of a server that is too busy says of when to come back. */
const PAUSES: readonly Readonly<Record<string, string>>[] = [{}, { 'retry-after': '0' }, { 'retry-after': '1' }];

/** Plans the fault of an index; it needs no other one, so that each can be repeated alone. */
export function planFault(seed: number, index: number, calm: Calm): PlannedFault {
  const random = seededRandom(seed * 100_019 + index);
  const pick = <T>(items: readonly T[]): T => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new Error('there is nothing to choose from');
    return item;
  };
  const job = pick(JOBS);
  const kind = pick(KINDS[job]);
  const { method, path } = kind;
  const mischief = planMischief(kind, pick, random);
  const skip = Math.floor(random() * calm(job, kind));
  const times = pick([1, 1, 1, 2, 3, Number.POSITIVE_INFINITY]);
  return { job, kind, fault: { mischief, method, path, skip, times } };
}

type Pick = <T>(items: readonly T[]) => T;

function planMischief(kind: RequestKind, pick: Pick, random: () => number): Mischief {
  // Small places are met more often than large ones: heads of archives, first chunks, short answers.
  const byte = Math.floor(2 ** (random() * 21));
  const possible: (() => Mischief)[] = [
    () => ({ kind: 'reset', at: pick(momentsOf(kind)), bytes: byte }),
    () => ({ kind: 'reset', at: pick(momentsOf(kind)), bytes: byte }),
    () => ({ kind: 'answer', status: pick(STATUSES), headers: pick(PAUSES) }),
  ];
  if (kind.hasBody) possible.push(() => ({ kind: 'spoil request', byte }));
  if (kind.isAnswered) {
    possible.push(
      () => ({ kind: 'spoil answer', byte }),
      () => ({ kind: 'truncate', bytes: byte }),
      () => ({ kind: 'drip', bytes: 65_536, pause: 1 }),
    );
  }
  return pick(possible)();
}

export function describeFault({ job, kind, fault: { mischief, skip = 0, times = 1 } }: PlannedFault): string {
  const details = Object.entries(mischief).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  const often = times === Number.POSITIVE_INFINITY ? 'from then on' : `${times} times`;
  return `${job}, ${kind.name} after ${skip} others, ${often}: ${details.join(', ')}`;
}
