import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assembledTree } from '../assembled.ts';
import { DISTRIBUTION } from './kill-passage.ts';
import { type Beginning, prepareBeginning } from './kill-place.ts';
import { describeKill, type Heal, type Kill, type Target } from './kill-plan.ts';
import { chooseKills, playKilled, playUndisturbed, type Undisturbed } from './kill-trial.ts';

const HEALS: readonly Heal[] = ['failed jobs again', 'all jobs again', 'another command'];

/** Every job that follows a push to staging: its own image, and snapshot's, which contains it. */
const TARGETS: readonly Target[] = [
  'distribution / update / build',
  'distribution / update / rollout',
  'distribution / cascade (snapshot) / build',
  'distribution / cascade (snapshot) / rollout',
  'distribution / removal (snapshot)',
  'distribution / gate',
].map((job) => ({ job, heals: HEALS }));

/** Its image is built and its tag moved, so that nothing looks stale to whoever comes after. */
const FOUND: readonly Kill[] = [
  {
    job: 'distribution / cascade (snapshot) / rollout',
    moment: 'before',
    fraction: 0,
    isWhole: true,
    heal: 'all jobs again',
  },
];

const { seed, kills } = chooseKills(TARGETS, FOUND);
let beginning: Beginning;
let undisturbed: Undisturbed;

beforeAll(async () => {
  beginning = await prepareBeginning(await assembledTree());
  undisturbed = await playUndisturbed(DISTRIBUTION, beginning);
});

afterAll(() => rm(beginning.directory, { recursive: true, force: true }));

describe(`a promotion whose machine dies (SLIPWAY_SEED=${seed})`, () => {
  it('has no job that is not killed here', () => {
    const jobs = [...undisturbed.lengths.keys()].filter((job) => job.startsWith('distribution / '));
    expect(jobs.sort()).toEqual(TARGETS.map(({ job }) => job).sort());
  });

  it.each(kills.map((kill) => [describeKill(kill), kill] as const))('%s', async (_, kill) => {
    expect(await playKilled(DISTRIBUTION, beginning, kill, undisturbed)).toEqual(undisturbed.end);
  });
});
