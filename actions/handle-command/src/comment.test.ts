import { pluginText } from '@slipway/core/plugin/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMAND, Ground, LIST, packageOf, REPOSITORY } from './fixture.ts';

let ground: Ground;

beforeEach(async () => {
  ground = await Ground.start();
});

afterEach(() => ground.close());

describe('a comment by somebody who may not command', () => {
  it('costs no request for what others have opened', async () => {
    const number = await ground.open();
    for (const name of ['one', 'two']) {
      const file = { [`release-plugins/${name}.yaml`]: pluginText(name, { port: 9000 + name.charCodeAt(0) }) };
      await ground.open({ head: name, files: file });
    }
    const comment = await ground.write('mallory', number, `${COMMAND}\n/cc @chen\n`);
    const before = ground.github.requests.length;
    expect((await ground.handle(number, comment)).outputs.result).toBe('refused');
    const asked = ground.github.requests.slice(before).map(({ path }) => path);
    expect(asked.filter((path) => /pulls\/[0-9]+\/files|pulls\?/.test(path))).toEqual([]);
    expect(asked.length).toBeLessThan(16);
  });
});

describe('the run of a comment that is started again', () => {
  it('releases nothing that was withdrawn since', async () => {
    const number = await ground.open();
    await ground.review('lin-wei', number);
    const first = await ground.write('ada', number, `${LIST}\n${COMMAND}\n`);
    const { outputs } = await ground.handle(number, first);
    expect(outputs.result).toBe('release');
    await ground.comment('ada', number, '/queue need-queue');
    const again = await ground.handle(number, first);
    expect(again.outputs).toMatchObject({ result: 'refused', plugins: [] });
    expect(again.outputs.reason).toContain('withdrawn by ada after this was commanded');
    expect(await ground.record(outputs.commit)).toMatchObject({ state: 'failed', withdrawnBy: 'ada' });

    // Nor what was commanded between two withdrawals, and refused.
    await ground.review('lin-wei', number, 'REQUEST_CHANGES');
    const between = await ground.write('ada', number, COMMAND);
    expect((await ground.handle(number, between)).outputs.result).toBe('refused');
    await ground.comment('ada', number, '/queue need-queue');
    await ground.review('lin-wei', number);
    expect((await ground.handle(number, between)).outputs.reason).toContain('withdrawn by ada');
    const both = await ground.comment('ada', number, `/queue need-queue\n${COMMAND}\n`);
    expect(both.outputs.result).toBe('release');
  });

  it('hands on what is released, so that it can be registered again', async () => {
    const { number, commit, outputs } = await ground.release();
    const packages = outputs.plugins.map((plugin) => packageOf(plugin));
    const given = { 'pull-request': String(number), commit, packages: JSON.stringify(packages) };
    await ground.run({ mode: 'report', ...given });
    const again = await ground.comment('ada', number, COMMAND);
    expect(again.outputs).toMatchObject({ result: 'updated', commit, packages });
    const byHand = await ground.dispatch('chen', number, { reason: 'register again' });
    expect(byHand.outputs).toMatchObject({ result: 'updated', commit, packages });
    const other = `${LIST}cargo.example.com/team/acme-plugins-logs-web:v0.2.0\n\n${COMMAND}\n`;
    await ground.pushImage('logs-web', 'v0.2.0');
    const more = await ground.comment('ada', number, other);
    expect(more.outputs).toMatchObject({ result: 'refused', packages: [] });
    expect(more.outputs.reason).toContain('A release is immutable');
    expect(await ground.record(commit)).toMatchObject({ state: 'done' });
  });
});

describe('an OWNERS file that cannot be read', () => {
  it.each([
    ['OWNERS', { OWNERS: 'approvers: [\n' }, 'OWNERS:'],
    ['OWNERS_ALIASES', { OWNERS: 'approvers: [team, chen]\n', OWNERS_ALIASES: '[]\n' }, 'OWNERS_ALIASES is no mapping'],
  ])('lets nobody approve: %s', async (_, files, why) => {
    await ground.commit('main', files);
    const number = await ground.open({ head: 'broken' });
    await ground.review('chen', number);
    const { outputs } = await ground.comment('ada', number, COMMAND);
    expect(outputs.result).toBe('refused');
    expect(outputs.reason).toContain(why);
    expect(outputs.reason).toContain('chen approved it, which does not count');
    expect((await ground.comment('chen', number, COMMAND)).outputs.reason).toContain('chen may not command here');
  });
});

describe('/cc', () => {
  it('asks the users when a team cannot be asked, and says what that takes', async () => {
    const number = await ground.open();
    const { outputs } = await ground.comment('ada', number, '/cc @chen @acme/unknown');
    expect(outputs.result).toBe('refused');
    expect(outputs.reason).toContain("'members: read'");
    const pull = await ground.as('root', 'GET', `pulls/${number}`);
    expect(pull['requested_reviewers']).toMatchObject([{ login: 'chen' }]);
  });

  it('asks a team as the App, which may see it', async () => {
    const permissions = { contents: 'read', pull_requests: 'write', issues: 'write', checks: 'write' } as const;
    const apps = [
      { id: 7, slug: 'blind', permissions, repositories: [REPOSITORY] },
      { id: 8, slug: 'seeing', permissions: { ...permissions, members: 'read' }, repositories: [REPOSITORY] },
    ] as const;
    const number = await ground.open();
    for (const [index, app] of apps.entries()) {
      const { privateKey } = await ground.github.addApp(app);
      const given = { 'app-id': String(app.id), 'app-private-key': privateKey };
      const { outputs } = await ground.comment('ada', number, '/cc @lin-wei @acme/platform-release', given);
      expect(outputs.result).toBe(['refused', 'updated'][index]);
      const pull = await ground.as('root', 'GET', `pulls/${number}`);
      expect(pull['requested_reviewers']).toMatchObject([{ login: 'lin-wei' }]);
      expect(pull['requested_teams']).toHaveLength(index);
    }
  });
});

it('is answered even when what it says is as long as a comment can be', async () => {
  const number = await ground.open();
  const { outputs } = await ground.comment('ada', number, `/queue ${'@'.repeat(20_000)}`);
  expect(outputs.result).toBe('refused');
  expect(await ground.answers(number)).toEqual([expect.stringContaining('is not known')]);
  const many = Array.from({ length: 30 }, (_, index) => `/kind ${'@'.repeat(1000 + index)}`);
  await ground.comment('ada', number, many.join('\n'));
  expect(await ground.answers(number)).toHaveLength(2);
});
