import { afterEach, beforeEach, expect, it } from 'vitest';
import { COMMAND, Ground, packageOf, RELEASE, SELF } from './fixture.ts';

/*
 * Anybody can open a pull request of a commit that is the head of another one.
 */

let ground: Ground;
let number: number;
let commit: string;
let twin: number;

beforeEach(async () => {
  ground = await Ground.start();
  ({ number, commit } = await ground.release());
  await ground.as('root', 'POST', 'git/refs', { ref: 'refs/heads/twin', sha: commit });
  const pull = { title: 'feat(logs): v0.2.0', head: 'twin', base: 'main', body: 'Mine.' };
  twin = Number((await ground.as('mallory', 'POST', 'pulls', pull))['number']);
});

afterEach(() => ground.close());

it('withdraws, stops and commands nothing of the other', async () => {
  const before = await ground.stored(commit);
  expect((await ground.comment('mallory', twin, '/queue need-queue')).outputs.result).toBe('updated');
  expect((await ground.comment('mallory', twin, COMMAND)).outputs.result).toBe('refused');
  expect((await ground.dispatch('chen', twin, { reason: 'the wrong number' })).outputs.result).toBe('refused');
  expect((await ground.dispatch(SELF, twin, { reason: 'sweep' })).outputs.result).toBe('refused');
  await ground.push({ ...RELEASE, 'README.md': '# Mine\n' }, 'twin');
  await ground.happen(twin, 'synchronize', { before: commit }, 'mallory');
  expect(await ground.stored(commit)).toEqual(before);
});

it('can be what is merged, once the other is released', async () => {
  const plugins = (await ground.record(commit))?.plugins ?? [];
  const packages = JSON.stringify(plugins.map((plugin) => packageOf(plugin)));
  await ground.run({ mode: 'report', 'pull-request': String(number), commit, packages });
  const before = await ground.headOfBranch('main');
  const { sha: after } = await ground.as('root', 'PUT', `pulls/${twin}/merge`, {});
  const event = { name: 'push', ref: 'refs/heads/main', payload: { before, after, commits: [{ id: after }] } };
  expect((await ground.run({ mode: 'merged' }, event)).outputs).toMatchObject({ result: 'updated', plan: [] });
});
