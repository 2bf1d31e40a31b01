import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Ground, packageOf, SELF } from './fixture.ts';

let ground: Ground;

beforeEach(async () => {
  ground = await Ground.start();
});

afterEach(() => ground.close());

describe('a release by hand', () => {
  it('takes write permission, a reason, and the approval that every release takes', async () => {
    const number = await ground.open();
    const reason = 'the bot sleeps';
    expect((await ground.dispatch('rita', number, { reason })).outputs.reason).toContain('may not write');
    expect((await ground.dispatch('chen', number)).outputs.reason).toContain("'reason' is required");
    expect((await ground.dispatch('chen', number, { reason })).outputs.reason).toContain('no approving review');
    await ground.review('lin-wei', number);
    const { outputs } = await ground.dispatch('chen', number, { reason });
    expect(outputs).toMatchObject({ result: 'release', 'release-reason': reason, overwrite: false });
    expect(await ground.record(outputs.commit)).toMatchObject({ by: 'chen', reason, state: 'intent' });
    expect(await ground.status(number)).toContain('the bot sleeps');
  });

  it('may overwrite what is released, which is in the record', async () => {
    const { number, commit, outputs: first } = await ground.release();
    const packages = JSON.stringify(first.plugins.map((plugin) => packageOf(plugin)));
    await ground.run({ mode: 'report', 'pull-request': String(number), commit, packages });
    const digest = await ground.pushImage('logs', 'v0.2.0', 'other');
    const reason = 'broken layer';
    const refused = await ground.dispatch('chen', number, { reason });
    expect(refused.outputs.reason).toContain('A release is immutable');
    const { outputs } = await ground.dispatch('chen', number, { reason, overwrite: 'true' });
    expect(outputs).toMatchObject({ result: 'release', overwrite: true, packages: [] });
    expect(outputs.plugins[0]?.images[0]?.digest).toBe(digest);
    expect(await ground.record(commit)).toMatchObject({ state: 'intent', overwrite: true, reason, packages: [] });
    // What is taken up again keeps the right that it was given, and no more is given with it.
    const resumed = await ground.dispatch(SELF, number, { reason: 'sweep: nothing works on it' });
    expect(resumed.outputs).toMatchObject({ result: 'release', overwrite: true, 'release-reason': reason });
  });

  it('gives the right to overwrite to nobody who only takes a release up again', async () => {
    const { number, commit } = await ground.release();
    const given = { reason: 'because', overwrite: 'true' };
    expect((await ground.dispatch('rita', number, given)).outputs.reason).toContain('may not write');
    expect(await ground.record(commit)).not.toHaveProperty('overwrite');
    expect((await ground.dispatch('chen', number, given)).outputs).toMatchObject({ overwrite: true });
  });

  it('of another commit than the head is refused', async () => {
    const number = await ground.open();
    const { outputs } = await ground.dispatch('chen', number, { reason: 'x', commit: 'c'.repeat(40) });
    expect(outputs).toMatchObject({ result: 'refused', reason: expect.stringContaining('not at') });
  });
});

describe('a release that is taken up again', () => {
  it('goes on with what the record says, whoever dispatched it', async () => {
    const { number, commit, outputs: first } = await ground.release();
    const { outputs } = await ground.dispatch(SELF, number, { reason: 'sweep: nothing works on it' });
    expect(outputs).toMatchObject({ result: 'release', commit, plugins: first.plugins, 'release-reason': '' });
    expect(await ground.record(commit)).toMatchObject({ by: 'ada', state: 'intent', run: { id: 2 } });
  });

  it('stops when its approval does not stand any more, and is not taken up for ever', async () => {
    const { number, commit } = await ground.release();
    await ground.review('lin-wei', number, 'REQUEST_CHANGES');
    expect((await ground.dispatch(SELF, number)).outputs.result).toBe('refused');
    expect(await ground.record(commit)).toMatchObject({
      state: 'failed',
      problem: expect.stringContaining('no approving review'),
    });
    // Without an intent the sweep's own dispatch has no authority.
    expect((await ground.dispatch(SELF, number, { reason: 'sweep' })).outputs.reason).toContain('may not write');
  });

  it('is tried again when only the registry does not answer', async () => {
    const { number, commit } = await ground.release();
    await ground.registry.close();
    expect((await ground.dispatch(SELF, number)).outputs.result).toBe('refused');
    expect(await ground.record(commit)).toMatchObject({ state: 'intent' });
  });

  it('is not begun by a label, or by nothing', async () => {
    const number = await ground.open();
    await ground.review('lin-wei', number);
    await ground.as('chen', 'POST', `issues/${number}/labels`, { labels: ['queue/working-image-pushed'] });
    expect((await ground.dispatch(SELF, number, { reason: 'sweep' })).outputs.result).toBe('refused');
  });
});
