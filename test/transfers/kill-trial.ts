import type { ActionEnd } from './action-process.ts';
import type { Cargo } from './cargo.ts';
import { findWrongs } from './end-state.ts';
import type { TransferKill } from './kill-plan.ts';
import { type Job, type MadePackage, makePackage, TransferPlace } from './place.ts';
import type { Side } from './request-kinds.ts';
import { countResent, type Resent } from './resent.ts';
import type { Traffic } from './wire.ts';

/** What all trials begin with. */
export interface Ground {
  readonly tree: string;
  readonly cargo: Cargo;
  readonly package: MadePackage;
  /** What goes over each wire when nobody disturbs it, by `<job> <side>`. */
  readonly calm: ReadonlyMap<string, Traffic>;
}

const WIRES: readonly (readonly [Job, Side])[] = [
  ['sync', 'source'],
  ['sync', 'target'],
  ['bundle', 'target'],
  ['upload-file', 'oss'],
  ['upload-plugin', 'target'],
  ['upload-plugin', 'oss'],
];

/** Plays some jobs once, undisturbed, and measures them. */
export async function prepareGround(tree: string, cargo: Cargo, jobs: readonly Job[]): Promise<Ground> {
  const made = await makePackage(tree, cargo);
  const calm = new Map<string, Traffic>();
  for (const job of jobs) {
    await using place = await TransferPlace.open({ tree, cargo, package: made });
    const { code, log } = await place.run(job);
    if (code !== 0) throw new Error(`undisturbed, ${job} ended with ${code}:\n${log}`);
    for (const [one, side] of WIRES) if (one === job) calm.set(`${job} ${side}`, place.wire(side, job).traffic);
  }
  return { tree, cargo, package: made, calm };
}

/** What a kill has led to. */
export interface KillOutcome {
  /** What was wrong right after it, and after the next run. */
  readonly wrongs: readonly string[];
  readonly resent: Resent;
  readonly second: ActionEnd;
}

/**
 * Kills a job when so much has gone over a wire, runs it again, and returns what has become of it.
 *
 * How many requests a job needs depends on how fast it is served, for a slow source is asked for ranges: where it has ended
 * before the chosen moment came, it is killed half as far.
 */
export async function playTransferKill(ground: Ground, kill: TransferKill): Promise<KillOutcome> {
  const { job, side, measure, fraction, heal, spools, brokenChunks } = kill;
  const usual = ground.calm.get(`${job} ${side}`)?.[measure] ?? 0;
  const moment = Math.max(1, Math.floor(fraction * usual * 0.98));
  await using place = await TransferPlace.open({ ...ground, target: { brokenChunks } });
  const inputs = spools ? { images: JSON.stringify(place.cargo.handedOver) } : {};
  const death = new AbortController();
  place.wire(side, job).onTraffic((traffic) => {
    if (traffic[measure] >= moment) death.abort();
  });
  const first = await place.run(job, { inputs, kill: death.signal });
  if (first.code === 0 && moment > 1) return playTransferKill(ground, { ...kill, fraction: kill.fraction / 2 });
  if (first.code !== 137) throw new Error(`it ended with ${first.code} before it could be killed:\n${first.log}`);
  place.wire(side, job).onTraffic(() => undefined);
  await place.settle();
  const wrongs = await findWrongs(place, job, false);
  const before = (job === 'sync' ? place.target : place.oss).requests.length;
  const second = await place.run(job, { inputs, work: heal === 'same' ? 'first' : 'second' });
  if (second.code === 0) wrongs.push(...(await findWrongs(place, job, true)));
  return { wrongs, second, resent: await countResent(place, job, before, heal === 'fresh') };
}
