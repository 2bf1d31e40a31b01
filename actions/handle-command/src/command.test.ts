import { pluginText } from '@slipway/core/plugin/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BODY, COMMAND, Ground, LIST } from './fixture.ts';

let ground: Ground;

beforeEach(async () => {
  ground = await Ground.start();
});

afterEach(() => ground.close());

describe('a release', () => {
  it('binds commit, files and digests, then labels and says so', async () => {
    const digest = await ground.pushImage('logs', 'v0.2.0');
    const number = await ground.open();
    const commit = await ground.headOf(number);
    await ground.review('lin-wei', number);
    const { outputs, runtime } = await ground.comment('ada', number, `${LIST}\n${COMMAND}\n`);
    expect(outputs).toMatchObject({ result: 'release', 'pull-request': number, commit, changed: true });
    expect(outputs.plugins).toMatchObject([
      { plugin: 'logs', version: 'v0.2.0', commit, images: [{ digest, platforms: ['linux/amd64'] }] },
    ]);
    expect(runtime.failures).toEqual([]);
    expect(await ground.record(commit)).toMatchObject({
      state: 'intent',
      by: 'ada',
      approvedBy: ['lin-wei'],
      plugins: outputs.plugins,
      packages: [],
      run: { id: 1, attempt: 1 },
      comment: expect.any(Number),
    });
    expect(await ground.labels(number)).toEqual(['kind/release', 'queue/working-image-pushed']);
    expect(await ground.status(number)).toContain('Being released');
    expect(await ground.status(number)).toContain(digest.slice(7, 19));
    const writes = ground.github.requests.filter(({ method, path }) => method !== 'GET' && !path.includes('graphql'));
    const own = writes.slice(writes.findIndex(({ path }) => path.includes('check-runs')));
    expect(own.map(({ path }) => /check-runs|labels|comments/.exec(path)?.[0]).slice(0, 2)).toEqual([
      'check-runs',
      'labels',
    ]);
  });

  it('lists everything that is missing at once, in the answer and in the status', async () => {
    const number = await ground.open({
      files: {
        'release-plugins/logs.yaml': 'spec: 1\n',
        'release-plugins/gpu.yaml': pluginText('gpu', { port: 8082, version: 'v0.2.0' }),
        OWNERS: 'approvers: [ada]\n',
      },
    });
    const { outputs, runtime } = await ground.comment('ada', number, COMMAND);
    expect(outputs).toMatchObject({ result: 'refused', plugins: [] });
    for (const part of ['OWNERS', 'release-plugins/logs.yaml:', 'acme-plugins-gpu:v0.2.0', 'no approving review']) {
      expect.soft(outputs.reason).toContain(part);
    }
    expect(runtime.failures).toHaveLength(1);
    expect(await ground.answers(number)).toHaveLength(1);
    expect(await ground.status(number)).toContain('Missing');
    expect(await ground.record(await ground.headOf(number))).toBeUndefined();
    expect(await ground.labels(number)).toEqual([]);
  });

  it('is planned and nothing else in a dry run', async () => {
    const number = await ground.open();
    await ground.review('lin-wei', number);
    const { outputs } = await ground.comment('ada', number, COMMAND, { 'dry-run': 'true' });
    expect(outputs).toMatchObject({ result: 'release', changed: false });
    expect(outputs.plan).toEqual(
      expect.arrayContaining([expect.stringContaining('bind logs v0.2.0'), 'set the label queue/working-image-pushed']),
    );
    expect(await ground.record(outputs.commit)).toBeUndefined();
    expect(await ground.labels(number)).toEqual([]);
    expect(await ground.status(number)).toBe('');
  });

  it('may be commanded by an owner, and is answered once however often the event is handled', async () => {
    const number = await ground.open();
    const comment = await ground.write('lin-wei', number, COMMAND);
    await ground.handle(number, comment);
    await ground.handle(number, comment);
    expect(await ground.answers(number)).toHaveLength(1);
    await ground.review('lin-wei', number);
    expect((await ground.handle(number, comment)).outputs.result).toBe('release');
  });

  it('goes on with what it bound, and is refused when a tag has moved since', async () => {
    const { number, commit, outputs } = await ground.release();
    const bound = outputs.plugins[0]?.images[0]?.digest ?? '';
    expect((await ground.comment('ada', number, COMMAND)).outputs).toMatchObject({
      result: 'release',
      plugins: outputs.plugins,
    });
    const moved = await ground.pushImage('logs', 'v0.2.0', 'other');
    const refused = await ground.comment('ada', number, COMMAND);
    expect(refused.outputs.result).toBe('refused');
    expect(refused.outputs.reason).toContain(bound);
    expect(refused.outputs.reason).toContain(moved);
    expect(refused.outputs.reason).toContain('/queue need-queue');
    expect(await ground.record(commit)).toMatchObject({ state: 'intent', plugins: outputs.plugins });

    expect((await ground.comment('ada', number, '/queue need-queue')).outputs.result).toBe('updated');
    expect(await ground.record(commit)).toMatchObject({ state: 'failed', withdrawnBy: 'ada' });
    expect(await ground.labels(number)).toEqual(['kind/release', 'queue/need-queue']);
    const again = await ground.comment('ada', number, COMMAND);
    expect(again.outputs.plugins[0]?.images[0]?.digest).toBe(moved);
    expect(await ground.record(commit)).toMatchObject({ state: 'intent' });
  });

  it('is healed when it dies between the record and the rest', async () => {
    const number = await ground.open();
    await ground.review('lin-wei', number);
    const comment = await ground.write('ada', number, COMMAND);
    ground.github.failNext({ kind: 'status', status: 422, path: /\/labels/ });
    await expect(ground.handle(number, comment)).rejects.toThrow('label');
    const commit = await ground.headOf(number);
    const bound = await ground.stored(commit);
    expect(bound?.record.state).toBe('intent');
    expect(await ground.status(number)).toBe('');
    const { outputs } = await ground.handle(number, comment);
    expect(outputs).toMatchObject({ result: 'release', plugins: bound?.record.plugins });
    expect((await ground.stored(commit))?.id).toBe(bound?.id);
    expect(await ground.labels(number)).toEqual(['kind/release', 'queue/working-image-pushed']);
    expect(await ground.status(number)).toContain('Being released');
  });

  it('takes the latest list, which somebody with authority wrote', async () => {
    await ground.pushImage('logs-web', 'v0.2.0');
    const number = await ground.open();
    await ground.review('lin-wei', number);
    await ground.write('ada', number, `${LIST}cargo.example.com/team/acme-plugins-logs-web:v0.2.0\n`);
    await ground.write('mallory', number, 'image(s) pushed to\ncargo.example.com/team/acme-plugins-logs:evil\n');
    const { outputs } = await ground.comment('ada', number, COMMAND);
    expect(outputs.plugins[0]?.images.map(({ name }) => name)).toEqual(['logs', 'logs-web']);
  });
});

describe('other commands', () => {
  it('set one label of a kind at a time, and leave those of others alone', async () => {
    const number = await ground.open();
    await ground.as('chen', 'POST', `issues/${number}/labels`, { labels: ['size/XL', 'kind/bug', 'queue/other'] });
    await ground.comment('ada', number, '/kind feature\n/queue need-queue\n');
    expect(await ground.labels(number)).toEqual(['kind/feature', 'queue/need-queue', 'size/XL']);
    expect(await ground.as('root', 'GET', 'labels/queue%2Fneed-queue')).toMatchObject({ color: 'fbca04' });
  });

  it.each([
    ['/kind relase', 'Did you mean /kind release?'],
    ['/queue done-package-uploaded', 'set by Slipway alone'],
    ['/queue working', 'Known: need-queue, working-image-pushed'],
    ['/kind bug feature', 'one at a time'],
    ['/cc @other/team', 'Not so: @other/team'],
  ])('%j is refused with what is meant', async (text, answer) => {
    const number = await ground.open();
    const { outputs } = await ground.comment('ada', number, text);
    expect(outputs.result).toBe('refused');
    expect(outputs.reason).toContain(answer);
    expect(await ground.answers(number)).toHaveLength(1);
    expect(await ground.labels(number)).toEqual([]);
  });

  it('ask for reviews, but not the author', async () => {
    const number = await ground.open();
    const { outputs } = await ground.comment('ada', number, '/cc @lin-wei @ada');
    expect(outputs.result).toBe('updated');
    const pull = await ground.as('root', 'GET', `pulls/${number}`);
    expect(pull['requested_reviewers']).toMatchObject([{ login: 'lin-wei' }]);
  });

  it('in a description carry the author’s rights, and release nothing', async () => {
    const number = await ground.open({ body: `${BODY}${COMMAND}\n` });
    await ground.review('lin-wei', number);
    const { outputs } = await ground.happen(number, 'opened');
    expect(outputs.result).toBe('updated');
    expect(outputs.reason).toContain('A description releases nothing');
    expect(await ground.labels(number)).toEqual(['kind/release', 'queue/need-queue']);
    expect(await ground.record(await ground.headOf(number))).toBeUndefined();
  });
});
