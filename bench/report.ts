import { writeFile } from 'node:fs/promises';
import { recentCapacity } from '@slipway/core/distribution/package-plan';
import { formatBytes } from '@slipway/core/util/units';
import type { Attempt, Result, Standing } from './contest.ts';
import { DISTURBING } from './machine.ts';

/** What one side of a row took: medians over its runs. */
interface Side {
  readonly runs: number;
  /** The fastest and the slowest run, in seconds: what the machine's noise is. */
  readonly spread: readonly [number, number];
  /** Seconds of user and system time. */
  readonly cpu: number;
  /** Peak, in bytes. */
  readonly memory: number;
  /** Bytes moved or made. */
  readonly bytes: number;
  /** Bytes written to disk by the client itself. */
  readonly written: number;
  readonly requests?: number;
  /** Runs in which the rest of the machine kept more than a quarter of a core busy. */
  readonly disturbed: number;
}

/** One case and one peer; seconds are of wall time. */
export interface Row {
  readonly job: string;
  readonly case: string;
  readonly peer: string;
  readonly unit: 's';
  readonly ours: number;
  readonly theirs: number;
  /** theirs ÷ ours: above 1 we are faster. */
  readonly ratio: number;
  readonly our: Side;
  readonly their: Side;
  readonly loads: readonly number[];
}

export interface AbsentPeer {
  readonly job: string;
  readonly case: string;
  readonly peer: string;
  readonly reason: string;
}

/** Returns a row for each peer that took part. */
export function rowsOf({ contest, standings: [ours, ...peers], loads }: Result): Row[] {
  return peers
    .filter(({ attempts }) => attempts.length > 0)
    .map((peer) => {
      const [our, their] = [medianOf(ours, 'seconds'), medianOf(peer, 'seconds')];
      return {
        job: contest.job,
        case: contest.name,
        peer: peer.contestant.name,
        unit: 's',
        ours: round(our),
        theirs: round(their),
        ratio: round(their / our),
        our: sideOf(ours),
        their: sideOf(peer),
        loads,
      };
    });
}

/** Returns what each contestant that took part took, ours first. */
export function standingsOf({ standings }: Result): { who: string; side: Side; seconds: number }[] {
  return standings
    .filter(({ attempts }) => attempts.length > 0)
    .map((standing) => ({
      who: standing.contestant.name,
      side: sideOf(standing),
      seconds: medianOf(standing, 'seconds'),
    }));
}

/** Returns the peers that could not take part, and why. */
export function absentOf({ contest, standings }: Result): AbsentPeer[] {
  return standings.flatMap(({ contestant: { name, absent } }) =>
    absent === undefined ? [] : [{ job: contest.job, case: contest.name, peer: name, reason: absent }],
  );
}

/** Returns the table that people read: a line for each contestant of each case. */
export function formatTable(results: readonly Result[]): string {
  const head = [
    'case',
    'who',
    'wall',
    '(min–max)',
    'ratio',
    'CPU',
    'memory',
    'to disk',
    'bytes',
    'requests',
    'runs (disturbed)',
  ];
  const lines = results.flatMap(({ contest, standings }) =>
    standings.map((standing, index) => {
      const { contestant } = standing;
      const label = index === 0 ? `${contest.job} ${contest.name}` : '';
      if (contestant.absent !== undefined) return [label, contestant.name, `absent: ${contestant.absent}`];
      const side = sideOf(standing);
      const ratio = medianOf(standing, 'seconds') / medianOf(standings[0], 'seconds');
      return [
        label,
        contestant.name,
        formatSeconds(medianOf(standing, 'seconds')),
        `${side.spread.map((seconds) => seconds.toFixed(2)).join('–')}`,
        index === 0 ? '' : `${ratio.toFixed(2)} ×`,
        formatSeconds(side.cpu),
        formatBytes(side.memory),
        formatBytes(side.written),
        formatBytes(side.bytes),
        String(side.requests ?? ''),
        `${side.runs} (${side.disturbed})`,
      ];
    }),
  );
  const rows = [head, ...lines];
  const widths = head.map((_, column) =>
    Math.max(...rows.map((row) => (row.length > 3 ? (row[column]?.length ?? 0) : 0))),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Returns a line for each case: how we stand against the fastest of the others. */
export function formatVerdicts(results: readonly Result[]): string {
  return results
    .flatMap((result) =>
      rowsOf(result)
        .toSorted((a, b) => a.theirs - b.theirs)
        .slice(0, 1),
    )
    .map(({ job, case: name, peer, ratio }) => `${job} ${name}: ${ratio.toFixed(2)} × against the fastest, ${peer}`)
    .join('\n');
}

/** What additions cost when the fold that so many of them bring about is shared out over them; bytes. */
export interface AmortisedAddition {
  readonly size: string;
  /** Mean of those that were measured. */
  readonly addition: number;
  readonly fold: number;
  /** Additions from one fold to the next. */
  readonly period: number;
  readonly amortised: number;
}

/** Returns it for each size of which both were measured. */
export function amortise(results: readonly Result[]): AmortisedAddition[] {
  const attemptsOf = (name: string) =>
    results.find(({ contest }) => contest.job === 'distribution' && contest.name === name)?.standings[0].attempts ?? [];
  return results.flatMap(({ contest: { job, name } }) => {
    const [, size, versions] = /^fold-((\d+).*)$/.exec(name) ?? [];
    const additions = attemptsOf(`one-added-${size}`);
    const [folded] = attemptsOf(name);
    if (job !== 'distribution' || size === undefined || folded === undefined || additions.length === 0) return [];
    const addition = additions.reduce((sum, { bytes }) => sum + bytes, 0) / additions.length;
    const period = recentCapacity(Number(versions));
    return [{ size, addition, fold: folded.bytes, period, amortised: addition + folded.bytes / period }];
  });
}

/** Returns a line for each size. */
export function formatAmortised(results: readonly Result[]): string {
  return amortise(results)
    .map(
      ({ size, addition, fold, period, amortised }) =>
        `distribution ${size}: ${formatBytes(addition)} an addition on average, ${formatBytes(fold)} the fold after ${period} of them: ${formatBytes(amortised)} together`,
    )
    .join('\n');
}

/** Writes what programs read; cases that are only printed are not in it. */
export async function writeReport(file: string, results: readonly Result[], machine: string): Promise<void> {
  const kept = results.filter(({ contest }) => contest.printedOnly !== true);
  const alone = kept.flatMap((result) => {
    const { contest, loads } = result;
    if (contest.peers.some(({ absent }) => absent === undefined)) return [];
    return standingsOf(result).map(({ who, side, seconds }) => {
      return { job: contest.job, case: contest.name, who, unit: 's', ours: round(seconds), our: side, loads };
    });
  });
  // Cases without a peer have a list of their own: a row is a comparison.
  const report = {
    machine,
    rows: kept.flatMap(rowsOf),
    alone,
    amortised: amortise(kept),
    absent: kept.flatMap(absentOf),
  };
  await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
}

function formatSeconds(seconds: number): string {
  return seconds < 0.9995 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(2)} s`;
}

function sideOf(standing: Standing): Side {
  const { attempts } = standing;
  const seconds = attempts.map((attempt) => attempt.seconds);
  const requests = median(attempts.flatMap((attempt) => attempt.requests ?? []));
  return {
    runs: attempts.length,
    spread: [round(Math.min(...seconds)), round(Math.max(...seconds))],
    cpu: round(medianOf(standing, 'cpu')),
    memory: medianOf(standing, 'memory'),
    bytes: medianOf(standing, 'bytes'),
    written: medianOf(standing, 'written'),
    ...(requests !== undefined && { requests }),
    disturbed: attempts.filter(({ others }) => others > DISTURBING).length,
  };
}

function medianOf({ attempts }: Standing, figure: keyof Attempt): number {
  return median(attempts.flatMap((attempt) => attempt[figure] ?? [])) ?? Number.NaN;
}

/** The middle one; of an even number the lower of the two in the middle. Undefined of none. */
function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length / 2) - 1];
}

/** Milliseconds are as much as is measured. */
function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
