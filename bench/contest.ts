import { load, waitForDisk, waitForOthers } from './machine.ts';
import type { Measure } from './measure.ts';

/** One run of a contestant: everything that only prepares it, or looks at what it did, is outside of its time. */
export interface Attempt extends Measure {
  /** Bytes that were moved or made. */
  readonly bytes: number;
  /** Requests that all registries answered. */
  readonly requests?: number;
}

export interface Contestant {
  readonly name: string;
  /** Why it cannot take part. */
  readonly absent?: string | undefined;
  attempt(): Promise<Attempt>;
}

export interface Contest {
  /** `sync`, `archive`, … */
  readonly job: string;
  readonly name: string;
  readonly ours: Contestant;
  readonly peers: readonly Contestant[];
  /** True keeps the case out of the file: it is printed only. */
  readonly printedOnly?: boolean;
  /** How often; default as the rules say. */
  readonly runs?: number;
}

export interface Standing {
  readonly contestant: Contestant;
  readonly attempts: readonly Attempt[];
}

export interface Result {
  readonly contest: Contest;
  /** Ours first; those that are absent have no attempts. */
  readonly standings: readonly [Standing, ...Standing[]];
  /** The load average before each round. */
  readonly loads: readonly number[];
}

/** Who needed more seconds than this runs once: its ratio is large, and noise does not change it. */
const SLOW = 30;

export interface Rules {
  readonly runs: number;
  /** False does not wait for a quiet machine. */
  readonly wait: boolean;
  /** True leaves the peers out. */
  readonly alone: boolean;
}

/** Lets all contestants run in turn, `runs` times, each round beginning with another one. */
export async function hold(contest: Contest, { runs: most, wait, alone }: Rules): Promise<Result> {
  const runs = contest.runs ?? most;
  const peers = alone ? [] : contest.peers;
  const contestants = [contest.ours, ...peers];
  const attempts = new Map<Contestant, Attempt[]>(contestants.map((contestant) => [contestant, []]));
  const loads: number[] = [];
  for (let round = 0; round < runs; round += 1) {
    loads.push(load());
    const first = round % contestants.length;
    const line: string[] = [];
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) {
      const before = attempts.get(contestant) ?? [];
      if (contestant.absent !== undefined || before.some(({ seconds }) => seconds > SLOW)) continue;
      // What the one before has left for the disk would be done in the time of this one, at its first fsync.
      if (wait) await waitForDisk();
      if (wait) await waitForOthers();
      const attempt = await contestant.attempt();
      before.push(attempt);
      line.push(`${contestant.name} ${attempt.seconds.toFixed(2)} s`);
    }
    console.error(`${contest.job} ${contest.name} ${round + 1}/${runs}, load ${loads.at(-1)}: ${line.join(', ')}`);
  }
  const standingOf = (contestant: Contestant): Standing => ({ contestant, attempts: attempts.get(contestant) ?? [] });
  return { contest, standings: [standingOf(contest.ours), ...peers.map(standingOf)], loads };
}
