import { describe, expect, it } from 'vitest';
import { LIGHT, MIXED } from './cargo.ts';
import { expectHealed } from './trial.ts';
import { useCargo } from './use-cargo.ts';

const open = useCargo(LIGHT);
const openLarge = useCargo(MIXED);

/** Whoever says nothing for a minute is given up; so long these tests take, all at once, and they cost nothing. */
describe.concurrent('silence', { timeout: 300_000 }, () => {
  it.each([
    ['sync', 'source', 'GET', /\/blobs\//, 'answer body'],
    ['sync', 'target', 'PATCH', /\/uploads\//, 'before answer'],
    ['bundle', 'target', 'GET', /\/blobs\//, 'answer body'],
    ['upload-plugin', 'oss', 'PUT', /partNumber=/, 'before answer'],
    ['upload-file', 'oss', 'POST', /uploadId=/, 'answer body'],
  ] as const)('in %s, of the %s, to a %s, is healed', async (job, side, method, path, at) => {
    await using place = await (method === 'PATCH' ? openLarge : open)();
    place.lay(job, side, { mischief: { kind: 'stall', at, bytes: 20 }, method, path });
    const { log } = await expectHealed(place, job);
    expect(log).toMatch(/Trying again/);
  });
});
