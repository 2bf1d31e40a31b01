import { expect, it } from 'vitest';
import { MAINTAINER } from '../../scripts/demo/cast.ts';
import { assembledTree } from '../assembled.ts';
import { openChain } from './chain-place.ts';

interface Diagnosis {
  readonly check: string;
  readonly state: string;
  readonly found: string;
}

it('finds the example repositories ready for their first release, and changes nothing', async () => {
  await using place = await openChain(await assembledTree());
  for (const as of [place.release, place.storage]) {
    await as(MAINTAINER).dispatch('doctor.yml', {});
    const [run] = await place.chain.settle();
    const { plan = '[]', changed } = run?.results[0]?.steps[0]?.outputs ?? {};
    const diagnoses = JSON.parse(plan) as Diagnosis[];
    expect(diagnoses.length).toBeGreaterThan(8);
    expect(diagnoses.filter(({ state }) => state === 'error')).toEqual([]);
    expect(changed).toBe('false');
  }
}, 60_000);
