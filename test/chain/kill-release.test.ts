import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAINTAINER } from '../../scripts/demo/cast.ts';
import { assembledTree } from '../assembled.ts';
import { readEndState } from './end-state.ts';
import { heal, play, RELEASE } from './kill-passage.ts';
import { type Beginning, begin, prepareBeginning } from './kill-place.ts';
import { describeKill, type Heal, type Kill, type Target } from './kill-plan.ts';
import { chooseKills, playKilled, playUndisturbed, type Undisturbed } from './kill-trial.ts';

const BY_HAND: readonly Heal[] = ['failed jobs again', 'all jobs again', 'another command'];

/** Every job of a release. A sweep takes up what the record says is intended, from the intent to the end of the report. */
const TARGETS: readonly Target[] = [
  { job: 'release / command', heals: BY_HAND },
  { job: 'release / images', heals: [...BY_HAND, 'sweep'] },
  { job: 'release / bind', heals: [...BY_HAND, 'sweep'] },
  { job: 'release / release (', heals: [...BY_HAND, 'sweep'] },
  { job: 'release / report', heals: BY_HAND },
  { job: 'release / register', heals: BY_HAND },
];

/** What the record calls done is not all that there is to do: its packages are to be told of, and registered. */
const FOUND: readonly Kill[] = [
  // While it records the release as done, and before it says where the packages are.
  { job: 'release / report', moment: 'at a line', fraction: 0.3, isWhole: false, heal: 'all jobs again' },
  { job: 'release / register', moment: 'before', fraction: 0, isWhole: false, heal: 'another command' },
];

const { seed, kills } = chooseKills(TARGETS, FOUND);
let beginning: Beginning;
let undisturbed: Undisturbed;

beforeAll(async () => {
  beginning = await prepareBeginning(await assembledTree());
  undisturbed = await playUndisturbed(RELEASE, beginning);
});

afterAll(() => rm(beginning.directory, { recursive: true, force: true }));

describe(`a release whose machine dies (SLIPWAY_SEED=${seed})`, () => {
  it('has no job that is not killed here', () => {
    const jobs = [...undisturbed.lengths.keys()].filter((job) => job.startsWith('release / '));
    expect(jobs.filter((job) => !TARGETS.some((target) => job.startsWith(target.job)))).toEqual([]);
  });

  it.each(kills.map((kill) => [describeKill(kill), kill] as const))('%s', async (_, kill) => {
    expect(await playKilled(RELEASE, beginning, kill, undisturbed)).toEqual(undisturbed.end);
  });
});

it('ends as if nothing had happened when it was cancelled and is run again', async () => {
  await using place = await begin(beginning);
  const { workflows } = place.stage;
  let cancelled: Promise<unknown> | undefined;
  workflows.setKiller({
    atLine: (_, job, step) => {
      const run = workflows.runs.findLast(({ name }) => name === RELEASE.workflow);
      if (job.startsWith('release / release (') && step === 'Sync images' && run !== undefined) {
        cancelled ??= place.release(MAINTAINER).send('POST', `/actions/runs/${run.id}/cancel`);
      }
      return false;
    },
  });
  const run = await play(RELEASE, place, beginning);
  await cancelled;
  expect(run.conclusion).toBe('cancelled');
  await heal(RELEASE, place, beginning, { way: 'failed jobs again', run });
  expect(await readEndState(place, beginning.release)).toEqual(undisturbed.end);
});
