import { type EndState, readEndState } from './end-state.ts';
import { type JobLength, Reaper, Stopwatch } from './kill-machine.ts';
import { heal, type Passage, play } from './kill-passage.ts';
import { type Beginning, begin } from './kill-place.ts';
import { type Kill, planMany, planOneEach, seededRandom, type Target } from './kill-plan.ts';

/** A passage that nobody has disturbed. */
export interface Undisturbed {
  readonly end: EndState;
  /** Each job by its full id. */
  readonly lengths: ReadonlyMap<string, JobLength>;
}

/** Plays a passage in a place of its own and measures it. */
export async function playUndisturbed(passage: Passage, beginning: Beginning): Promise<Undisturbed> {
  await using place = await begin(beginning);
  const watch = new Stopwatch();
  place.stage.workflows.setKiller(watch);
  const { conclusion } = await play(passage, place, beginning);
  if (conclusion !== 'success') throw new Error(`undisturbed, it ended with '${conclusion}'`);
  return { end: await readEndState(place, beginning.release), lengths: watch.lengths };
}

/** Plays a passage, kills, heals, and returns what is left behind. */
export async function playKilled(
  passage: Passage,
  beginning: Beginning,
  kill: Kill,
  { lengths }: Undisturbed,
): Promise<EndState> {
  const length = [...lengths].find(([job]) => job.startsWith(kill.job))?.[1];
  if (length === undefined) throw new Error(`there is no job '${kill.job}', but ${[...lengths.keys()].join(', ')}`);
  await using place = await begin(beginning);
  const reaper = new Reaper(kill, length);
  place.stage.workflows.setKiller(reaper);
  const run = await play(passage, place, beginning);
  if (!reaper.hasStruck) throw new Error(`the job '${kill.job}' did not come: ${place.lines.slice(-40).join('\n')}`);
  place.stage.workflows.setKiller(undefined);
  if (run.conclusion !== 'failure') throw new Error(`a job was killed, and the run ended with '${run.conclusion}'`);
  await heal(passage, place, beginning, { way: kill.heal, run });
  // Awaited here: the place is gone when this returns.
  return await readEndState(place, beginning.release);
}

/** What is killed in this process, and by which seed it was chosen. */
export interface Trials {
  readonly seed: number;
  readonly kills: readonly Kill[];
}

/**
 * Chooses one kill of each target, those that have once found a fault first; or, where SLIPWAY_KILLS says so, as many as
 * that, anywhere. SLIPWAY_SEED repeats a choice.
 */
export function chooseKills(
  targets: readonly Target[],
  found: readonly Kill[],
  env: NodeJS.ProcessEnv = process.env,
): Trials {
  const count = readNumber(env, 'SLIPWAY_KILLS');
  const seed = readNumber(env, 'SLIPWAY_SEED') ?? (count === undefined ? 1 : Date.now() % 1_000_000);
  const random = seededRandom(seed);
  if (count !== undefined) return { seed, kills: planMany(targets, count, random) };
  const others = targets.filter(({ job }) => !found.some((kill) => kill.job === job));
  return { seed, kills: [...found, ...planOneEach(others, random)] };
}

function readNumber(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name] ?? '';
  if (text === '') return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Error(`${name} is '${text}', and must be a number`);
}
