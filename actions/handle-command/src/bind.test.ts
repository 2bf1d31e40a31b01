import type { Plugin } from '@slipway/core/plugin/plugin';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMAND, Ground, LIST, RELEASE, SELF } from './fixture.ts';

let ground: Ground;

beforeEach(async () => {
  ground = await Ground.start();
});
afterEach(() => ground.close());

const LATER = { 'check-images': 'false' };

/** Has a release commanded by a job without credentials; returns what is to be looked up. */
async function command() {
  const number = await ground.open();
  await ground.review('lin-wei', number);
  const comment = await ground.write('ada', number, `${LIST}\n${COMMAND}\n`);
  const { outputs } = await ground.handle(number, comment, LATER);
  return { number, commit: outputs.commit, outputs, comment };
}

const withDigest = (plugins: readonly Plugin[], digest: string): Plugin[] =>
  plugins.map((plugin) => ({ ...plugin, images: plugin.images.map((image) => ({ ...image, digest })) }));

const bind = (number: number, commit: string, plugins: readonly Plugin[], more = {}) =>
  ground.run({ mode: 'bind', 'pull-request': String(number), commit, plugins: JSON.stringify(plugins) }, more);

describe('a command without the credentials of the registry', () => {
  it('writes the intent without digests, and says what to look up', async () => {
    const before = ground.registry.requests.length;
    const { number, commit, outputs } = await command();
    expect(outputs).toMatchObject({ result: 'release', images: ['cargo.example.com/team/acme-plugins-logs:v0.2.0'] });
    expect(outputs.plugins[0]?.images[0]).not.toHaveProperty('digest');
    expect(await ground.record(commit)).toMatchObject({ state: 'intent', pullRequest: number });
    expect(ground.registry.requests).toHaveLength(before);
  });
});

describe('bind', () => {
  it('adds the digests that were found, and only then there is something to verify', async () => {
    const { number, commit, outputs } = await command();
    const digest = `sha256:${'1'.repeat(64)}`;
    const verify = { mode: 'verify', 'pull-request': String(number), commit };
    await expect(ground.run({ ...verify, plugins: JSON.stringify(outputs.plugins) })).rejects.toMatchObject({
      code: 'binding-changed',
    });
    const bound = (await bind(number, commit, withDigest(outputs.plugins, digest))).outputs;
    expect(bound).toMatchObject({ result: 'release', commit });
    expect(bound.plugins[0]?.images[0]?.digest).toBe(digest);
    expect((await ground.record(commit))?.plugins[0]?.images[0]?.digest).toBe(digest);
    const verified = await ground.run({ ...verify, plugins: JSON.stringify(bound.plugins) });
    expect(verified.outputs.result).toBe('release');
  });

  it('keeps what is bound: another digest is refused, and the release stops', async () => {
    const { number, commit, outputs } = await command();
    const [one, other] = ['1', '2'].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string];
    await bind(number, commit, withDigest(outputs.plugins, one));
    const { outputs: again, runtime } = await bind(number, commit, withDigest(outputs.plugins, other));
    expect(again.result).toBe('refused');
    expect(again.reason).toContain(one);
    expect(again.reason).toContain(other);
    expect(runtime.failures).toHaveLength(1);
    expect(await ground.record(commit)).toMatchObject({ state: 'failed' });
    expect((await ground.record(commit))?.plugins[0]?.images[0]?.digest).toBe(one);
  });

  it('says so when the job that looks images up gave no answer', async () => {
    const { number, commit } = await command();
    const place = { mode: 'bind', 'pull-request': String(number), commit };
    for (const given of [place, { ...place, plugins: '[]' }]) {
      const { outputs } = await ground.run(given);
      expect(outputs.result).toBe('refused');
      expect(outputs.reason).toContain('The job that looks the images up gave no answer: see its log');
      await ground.comment('ada', number, COMMAND, LATER);
    }
  });

  it('binds nothing for a run whose release was commanded anew, and lets it upload nothing', async () => {
    const { number, commit, outputs } = await command();
    const old = { run: { id: 1, attempt: 1, workflow: '' } };
    const [one, other] = ['1', '2'].map((digit) => withDigest(outputs.plugins, `sha256:${digit.repeat(64)}`));
    if (one === undefined || other === undefined) throw new Error('no plugins');
    await bind(number, commit, one, old);
    await ground.comment('ada', number, '/queue need-queue');
    const again = await ground.comment('ada', number, COMMAND, LATER);
    expect(again.outputs.plugins[0]?.images[0]).not.toHaveProperty('digest');
    // The record has no digests yet: the old ones are compared with nothing.
    const verify = { mode: 'verify', 'pull-request': String(number), commit, plugins: JSON.stringify(one) };
    await expect(ground.run(verify, old)).rejects.toMatchObject({ code: 'other-run' });
    await expect(ground.run(verify)).rejects.toMatchObject({ code: 'binding-changed' });

    const late = await bind(number, commit, one, old);
    expect(late.outputs).toMatchObject({ result: 'refused', reason: expect.stringContaining('run 3 goes on with it') });
    expect((await ground.record(commit))?.plugins[0]?.images[0]).not.toHaveProperty('digest');
    expect((await bind(number, commit, other)).outputs.result).toBe('release');
    expect((await bind(number, commit, one, { run: { ...old.run, attempt: 2 } })).outputs.result).toBe('refused');
    expect(await ground.record(commit)).toMatchObject({ state: 'intent', run: { id: 3 } });
    const rerun = { ...verify, plugins: JSON.stringify(other) };
    const second = { run: { id: 3, attempt: 2, workflow: '' } };
    expect((await ground.run(rerun, second)).outputs.result).toBe('release');
  });

  it('takes no other list than the one that was commanded, whether it was written or deleted', async () => {
    const { number, commit, outputs } = await command();
    const found = withDigest(outputs.plugins, `sha256:${'1'.repeat(64)}`);
    const more = await ground.write('ada', number, `${LIST}cargo.example.com/team/acme-plugins-logs-web:v0.2.0\n`);
    const refused = await bind(number, commit, found);
    expect(refused.outputs.reason).toContain('acme-plugins-logs-web:v0.2.0 is new');
    expect(await ground.record(commit)).toMatchObject({ state: 'failed' });

    const { outputs: both } = await ground.comment('ada', number, COMMAND, LATER);
    expect(both.plugins[0]?.images).toHaveLength(2);
    await bind(number, commit, withDigest(both.plugins, `sha256:${'1'.repeat(64)}`));
    await ground.as('ada', 'DELETE', `issues/comments/${more['id']}`);
    const resumed = await ground.dispatch(SELF, number, { reason: 'sweep', ...LATER });
    expect(resumed.outputs.reason).toContain('acme-plugins-logs-web:v0.2.0 is gone');
    expect(await ground.record(commit)).toMatchObject({ state: 'failed' });
  });

  it('keeps the right to overwrite, and what is bound all the same', async () => {
    const { number, commit } = await command();
    const given = { reason: 'broken layer', overwrite: 'true', ...LATER };
    const { outputs } = await ground.dispatch('chen', number, given);
    const [one, other] = ['1', '2'].map((digit) => withDigest(outputs.plugins, `sha256:${digit.repeat(64)}`));
    if (one === undefined || other === undefined) throw new Error('no plugins');
    const kept = { result: 'release', overwrite: true, 'release-reason': 'broken layer' };
    expect((await bind(number, commit, one)).outputs).toMatchObject(kept);
    expect((await ground.dispatch(SELF, number, { reason: 'sweep', ...LATER })).outputs).toMatchObject(kept);
    expect((await bind(number, commit, one)).outputs).toMatchObject(kept);
    expect((await bind(number, commit, other)).outputs.reason).toContain('the tag was moved');
  });

  it('refuses an image that was not found, answers the comment, and is taken up again by a re-run', async () => {
    const { number, commit, outputs, comment } = await command();
    const event = {
      name: 'issue_comment',
      payload: { action: 'created', issue: { number, pull_request: {} }, comment },
    };
    const run = (attempt: number) => ({ ...event, run: { id: 1, attempt, workflow: '' } });
    const refused = await bind(number, commit, outputs.plugins, run(1));
    expect(refused.outputs.result).toBe('refused');
    expect(await ground.answers(number)).toEqual([expect.stringContaining('was not found in the source registry')]);
    const found = withDigest(outputs.plugins, `sha256:${'1'.repeat(64)}`);
    expect((await bind(number, commit, found, run(1))).outputs.reason).toContain('was stopped');
    expect((await bind(number, commit, found, run(2))).outputs.result).toBe('release');
    await ground.write('ada', number, COMMAND).then((again) => ground.handle(number, again, LATER));
    expect((await bind(number, commit, found)).outputs.result).toBe('release');
  });

  it('binds nothing of a commit that was pushed away or lost its approval', async () => {
    const { number, commit, outputs } = await command();
    const found = withDigest(outputs.plugins, `sha256:${'1'.repeat(64)}`);
    await ground.review('lin-wei', number, 'REQUEST_CHANGES');
    expect((await bind(number, commit, found)).outputs).toMatchObject({ result: 'refused' });
    await ground.push({ ...RELEASE, 'release-plugins/logs.yaml': `${RELEASE['release-plugins/logs.yaml']}# more\n` });
    expect((await bind(number, commit, found)).outputs.reason).toContain('it was pushed to');
  });

  it('is refused where nothing was commanded', async () => {
    const number = await ground.open();
    await expect(bind(number, await ground.headOf(number), [])).rejects.toMatchObject({ code: 'no-release' });
  });
});
