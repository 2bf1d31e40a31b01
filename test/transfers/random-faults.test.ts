import { beforeAll, describe, expect, it } from 'vitest';
import { MIXED } from './cargo.ts';
import { type Calm, describeFault, KINDS, type PlannedFault, planFault } from './fault-plan.ts';
import type { Job } from './place.ts';
import { blameOf, complaintsAbout, expectClean, expectHealed } from './trial.ts';
import { chooseTrials, repeatCommand } from './trials.ts';
import { useCargo } from './use-cargo.ts';

const { seed, indexes } = chooseTrials('SLIPWAY_FAULTS', 4);
const JOBS = Object.keys(KINDS) as Job[];

const open = useCargo(MIXED);
const counts = new Map<string, number>();
const calm: Calm = (job, { name }) => counts.get(`${job} ${name}`) ?? 0;

beforeAll(async () => {
  for (const job of JOBS) {
    await using place = await open();
    await expectHealed(place, job);
    for (const { name, side, method, path } of KINDS[job]) {
      const { requests } = place.wire(side, job);
      const matching = requests.filter((request) => request.method === method && path.test(request.path));
      counts.set(`${job} ${name}`, matching.length);
    }
  }
});

describe.concurrent(`a fault that a seed has chosen (${seed})`, () => {
  it.each(indexes)('%i', async (index) => {
    const planned = planFault(seed, index, calm);
    await expectSound(planned, `${describeFault(planned)}\nrepeat it alone: ${repeatCommand('fault', seed, index)}`);
  });
});

/** Whatever the fault, a job ends well, or it says what is wrong and harms nothing; and then running again heals it. */
async function expectSound({ job, kind, fault }: PlannedFault, label: string): Promise<void> {
  await using place = await open();
  const ambush = place.lay(job, kind.side, fault);
  const end = await place.run(job);
  const said = `${label}\n${end.log}`;
  expect(place.idle, `never struck: ${said}`).toEqual([]);
  await expectClean(place, job, end, end.code === 0, label);
  if (end.code === 0) return;
  expect(end.code, said).toBe(1);
  expect(complaintsAbout(end, blameOf(place, kind)), said).toEqual([]);
  ambush.lift();
  await expectHealed(place, job);
}
