import type { StorageSettings } from '@slipway/core/configuration/storage';
import { ActionError, messageOf } from '@slipway/core/errors';
import { findOwnCheckRun, writeCheckRun } from '@slipway/core/github/check-run';
import { listOpenPullRequests, type PullRequest, readPullRequest } from '@slipway/core/github/pull-request';
import { type GateRequest, judgePullRequest, type Verdict } from '@slipway/core/storage/gate';
import { GATE, gateCheck } from '@slipway/core/storage/gate-check';
import { type Ground, hasMoved } from '@slipway/core/storage/gate-ground';
import type { StorageRepository } from '@slipway/core/storage/storage-repository';
import type { Log } from '@slipway/core/util/log';

/** A pull request as far as it must be known to say that it could not be judged. */
export type Pull = Pick<PullRequest, 'number' | 'baseRef' | 'headSha'>;

/** What is needed to judge. */
export interface Bench {
  readonly storage: StorageRepository;
  readonly settings: StorageSettings;
  /** Throws what is wrong with the request; then nothing can be judged. */
  readonly makeRequest: () => GateRequest;
  /** Judges and writes nothing. */
  readonly dryRun: boolean;
  readonly log: Log;
}

/** What became of the pull requests of one head. */
export interface Settled {
  readonly verdicts: readonly Verdict[];
  readonly changed: boolean;
  /** What kept something from being judged or written. */
  readonly errors: readonly unknown[];
}

/** What has been judged, or the error that kept it from being judged to the end. */
type Outcome = { readonly verdict: Verdict } & ({ readonly ground: Ground } | { readonly error: unknown });

/** How often everything may have moved before we give up, with a red check. */
const ATTEMPTS = 5;

/**
 * Judges the pull requests of one head together and writes its check at once, then looks whether anything that the verdict
 * rests on has moved: if so, it is judged and written again.
 *
 * Runs of several pushes judge the same pull requests at the same time, and a slow one may write last. It must not leave
 * what was true before the newest push: having written, it either sees that push, or is older than the run that it starts.
 */
export async function settleHead(bench: Bench, pulls: readonly Pull[]): Promise<Settled> {
  let wanted = pulls;
  let changed = false;
  for (let count = 1; ; count += 1) {
    const known = await readKnown(bench, wanted);
    const outcomes = await judgeAll(bench, wanted);
    const verdicts = outcomes.map(({ verdict }) => verdict);
    const errors = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []));
    if (bench.dryRun || verdicts.length === 0) return { verdicts, changed, errors };
    const written = await writeChecks(bench.storage, verdicts, known);
    changed ||= written.changed;
    let again: readonly Pull[];
    try {
      again = await findMoved(bench, outcomes, written.isOvertaken);
      if (again.length > 0 && count === ATTEMPTS) throw neverStill(verdicts);
    } catch (error) {
      // A success that nobody could look at again may be one no more.
      const unsure = verdicts.map((verdict) => unjudged(pullOf(verdict), error));
      const corrected = await writeChecks(bench.storage, unsure);
      const all = [...errors, ...written.errors, error, ...corrected.errors];
      return { verdicts: unsure, changed: changed || corrected.changed, errors: all };
    }
    if (again.length === 0) return { verdicts, changed, errors: [...errors, ...written.errors] };
    bench.log.info(`What #${wanted.map(({ number }) => number).join(', #')} rests on has moved: judging again.`);
    wanted = again;
  }
}

function neverStill(verdicts: readonly Verdict[]): ActionError {
  const numbers = verdicts.map(({ pullRequest }) => `#${pullRequest}`).join(', ');
  return new ActionError('moving-branches', `What ${numbers} rests on went on moving while it was judged. Run again.`);
}

/** A check that is missing may be green from before: what could not be judged must not be merged either. */
export function unjudged({ number, baseRef, headSha }: Pull, error: unknown): Verdict {
  const problems = [`could not be judged: ${messageOf(error)}`];
  return { pullRequest: number, distribution: baseRef, headSha, added: [], removed: [], refused: [], problems };
}

function pullOf({ pullRequest, distribution, headSha }: Verdict): Pull {
  return { number: pullRequest, baseRef: distribution, headSha };
}

/** Lists the open pull requests to distributions, the oldest first. */
export async function listOpen({ storage, settings }: Pick<Bench, 'storage' | 'settings'>): Promise<PullRequest[]> {
  const names = new Set(settings.distributions.map(({ name }) => name));
  const open = await listOpenPullRequests(storage.github, storage.name);
  return open.filter(({ baseRef }) => names.has(baseRef)).sort((a, b) => a.number - b.number);
}

/** Id of our newest check on each head, 0 where there is none: what is newer was written while we judged. */
type KnownChecks = ReadonlyMap<string, number>;

async function readKnown({ storage: { github, name }, dryRun }: Bench, pulls: readonly Pull[]): Promise<KnownChecks> {
  const known = new Map<string, number>();
  for (const headSha of dryRun ? [] : new Set(pulls.map((pull) => pull.headSha))) {
    // What cannot be read now is not known: then any success of ours is looked at as one that is newer.
    const own = await findOwnCheckRun(github, name, headSha, GATE).catch(() => undefined);
    known.set(headSha, own?.id ?? 0);
  }
  return known;
}

async function judgeAll(bench: Bench, pulls: readonly Pull[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const pull of pulls) {
    const outcome = await judge(bench, pull);
    if (outcome === undefined) bench.log.info(`#${pull.number} is to no distribution: there is nothing to judge.`);
    else outcomes.push(outcome);
  }
  return outcomes;
}

async function judge({ storage, makeRequest }: Bench, pull: Pull): Promise<Outcome | undefined> {
  try {
    return await judgePullRequest(storage, pull.number, makeRequest());
  } catch (error) {
    const { github, name } = storage;
    const now = await readPullRequest(github, name, pull.number).catch(() => pull);
    return { verdict: unjudged(now, error), error };
  }
}

/** Returns the pull requests that must be judged again, and those that share a head with them; none when nothing has moved. */
async function findMoved(bench: Bench, outcomes: readonly Outcome[], isOvertaken: boolean): Promise<PullRequest[]> {
  const open = await listOpen(bench);
  const numbers = new Set(outcomes.map(({ verdict }) => verdict.pullRequest));
  const heads = new Set(outcomes.map(({ verdict }) => verdict.headSha));
  const together = open.filter(({ number, headSha }) => numbers.has(number) || heads.has(headSha));
  const isSameSet = together.length === numbers.size && together.every(({ number }) => numbers.has(number));
  if (isOvertaken || !isSameSet) return together;
  for (const outcome of outcomes) {
    if (!('ground' in outcome)) continue;
    const { openImages } = bench.makeRequest();
    if (await hasMoved(bench.storage, outcome.ground, open, openImages)) return together;
  }
  return [];
}

/** Writes one check on each head; one that cannot be written keeps none of the others from it. */
export async function writeChecks(
  { github, name }: StorageRepository,
  verdicts: readonly Verdict[],
  known: KnownChecks = new Map(),
): Promise<{ changed: boolean; isOvertaken: boolean; errors: readonly unknown[] }> {
  const errors: unknown[] = [];
  let [changed, isOvertaken] = [false, false];
  for (const [headSha, ofHead] of Map.groupBy(verdicts, (verdict) => verdict.headSha)) {
    try {
      const written = await writeCheckRun(github, name, gateCheck(headSha, ofHead), known.get(headSha) ?? 0);
      if (written === undefined) isOvertaken = true;
      else changed ||= written;
    } catch (error) {
      errors.push(error);
    }
  }
  return { changed, isOvertaken, errors };
}
