import { describe, it } from 'vitest';
import { MIXED } from './cargo.ts';
import type { Job } from './place.ts';
import { momentsOf, SYNC_KINDS, UPLOAD_KINDS } from './request-kinds.ts';
import { expectHealed } from './trial.ts';
import { useCargo } from './use-cargo.ts';
import type { Moment } from './wire-fault.ts';

const MOMENTS: readonly Moment[] = ['request head', 'request body', 'before answer', 'answer head', 'answer body'];

const open = useCargo(MIXED);

/** One run meets a reset of every kind of request; which one it does not survive, its log tells. */
describe.concurrent.each([
  ['sync', SYNC_KINDS],
  ['upload-plugin', UPLOAD_KINDS],
] as const)('%s survives a reset', (job: Job, kinds) => {
  it.each(MOMENTS)('of every kind of request, at the moment: %s', async (at) => {
    await using place = await open();
    for (const kind of kinds) {
      const { side, method, path } = kind;
      if (momentsOf(kind).includes(at))
        place.lay(job, side, { mischief: { kind: 'reset', at, bytes: 40 }, method, path });
    }
    await expectHealed(place, job);
  });

  it.each([...new Set(kinds.map(({ side }) => side))])('of the first two connections to the %s', async (side) => {
    await using place = await open();
    place.lay(job, side, { mischief: { kind: 'reset', at: 'connecting' }, times: 2 });
    await expectHealed(place, job);
  });
});
