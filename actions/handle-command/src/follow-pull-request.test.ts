import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BODY, COMMAND, Ground, packageOf, RELEASE } from './fixture.ts';

let ground: Ground;

beforeEach(async () => {
  ground = await Ground.start();
});

afterEach(() => ground.close());

const MORE = { 'release-plugins/logs.yaml': `${RELEASE['release-plugins/logs.yaml']}# more\n` };

describe('a pull request that is opened', () => {
  it('gets its labels, its reviewers as far as they can be, and one status comment', async () => {
    const number = await ground.open();
    const { outputs } = await ground.happen(number, 'opened');
    expect(outputs).toMatchObject({ result: 'updated', plugins: [] });
    expect(await ground.labels(number)).toEqual(['kind/release', 'queue/need-queue']);
    expect(await ground.status(number)).toContain('0 errors and 0 warnings');
    const comments = await ground.comments(number);
    expect((await ground.happen(number, 'reopened')).outputs).toMatchObject({ result: 'ignored', changed: false });
    expect(await ground.comments(number)).toEqual(comments);
  });

  it('is left in peace when it releases nothing', async () => {
    const number = await ground.open({ files: { 'README.md': '# Other\n' }, body: 'a word' });
    expect((await ground.happen(number, 'opened')).outputs.result).toBe('ignored');
    expect(await ground.comments(number)).toEqual([]);
  });

  it('is not obeyed when somebody else has changed the description meanwhile', async () => {
    const number = await ground.open();
    const pull = await ground.as('root', 'GET', `pulls/${number}`);
    await ground.as('chen', 'PATCH', `pulls/${number}`, { body: `${BODY}/kind bug\n` });
    await ground.happen(number, 'opened', { pull_request: pull });
    expect(await ground.labels(number)).toEqual([]);
  });
});

describe('a description that is edited', () => {
  it('commands only what is new in it, and takes no release back', async () => {
    const { number, commit } = await ground.release();
    await ground.as('ada', 'PATCH', `pulls/${number}`, { body: `${BODY}\nA word more.\n` });
    await ground.happen(number, 'edited', { changes: { body: { from: BODY } } });
    expect(await ground.record(commit)).toMatchObject({ state: 'intent' });
    expect(await ground.labels(number)).toEqual(['kind/release', 'queue/working-image-pushed']);
    await ground.as('ada', 'PATCH', `pulls/${number}`, { body: `${BODY}/kind bug\n` });
    await ground.happen(number, 'edited', { changes: { body: { from: BODY } } });
    expect(await ground.labels(number)).toEqual(['kind/bug', 'queue/working-image-pushed']);
  });

  it('changes back nothing that a comment has set since', async () => {
    const number = await ground.open();
    await ground.comment('ada', number, '/kind feature');
    await ground.as('ada', 'PATCH', `pulls/${number}`, { body: `${BODY}\nA word more.\n` });
    await ground.happen(number, 'edited', { changes: { body: { from: BODY } } });
    expect(await ground.labels(number)).toEqual(['kind/feature']);
  });

  it('puts nothing that is in the queue back to its beginning', async () => {
    const { number, commit } = await ground.release();
    await ground.happen(number, 'edited', { changes: { body: { from: '' } } });
    expect(await ground.record(commit)).toMatchObject({ state: 'intent' });
    expect(await ground.labels(number)).toEqual(['kind/release', 'queue/working-image-pushed']);
  });

  it('by somebody else commands nothing', async () => {
    const number = await ground.open();
    await ground.as('chen', 'PATCH', `pulls/${number}`, { body: `${BODY}/kind bug\n` });
    await ground.happen(number, 'edited', { changes: { body: { from: BODY } } }, 'chen');
    expect(await ground.labels(number)).toEqual([]);
  });
});

describe('a push', () => {
  it('stops the release of the commit before, and drops the label', async () => {
    const { number, commit } = await ground.release();
    const head = await ground.push(MORE);
    const { outputs } = await ground.happen(number, 'synchronize', { before: commit });
    expect(outputs.result).toBe('updated');
    expect(await ground.record(commit)).toMatchObject({ state: 'failed', problem: 'the pull request was pushed to' });
    expect(await ground.labels(number)).toEqual(['kind/release', 'queue/need-queue']);
    expect(await ground.status(number)).toContain('Not released yet');
    expect((await ground.comment('ada', number, COMMAND)).outputs.reason).toContain('approved another commit');
    await ground.review('lin-wei', number);
    expect((await ground.comment('ada', number, COMMAND)).outputs).toMatchObject({ result: 'release', commit: head });
    // The event of the push may be handled late.
    await ground.happen(number, 'synchronize', { before: commit });
    expect(await ground.labels(number)).toEqual(['kind/release', 'queue/working-image-pushed']);
  });

  it('leaves a release that is done as it is', async () => {
    const { number, commit, outputs } = await ground.release();
    const packages = JSON.stringify(outputs.plugins.map((plugin) => packageOf(plugin)));
    await ground.run({ mode: 'report', 'pull-request': String(number), commit, packages });
    await ground.push(MORE);
    await ground.happen(number, 'synchronize', { before: commit });
    expect(await ground.record(commit)).toMatchObject({ state: 'done' });
    expect(await ground.labels(number)).toEqual(['kind/release', 'queue/need-queue']);
  });
});
