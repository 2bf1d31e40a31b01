import { afterEach, beforeEach, expect, it } from 'vitest';
import { COMMAND, Ground, LIST, RELEASE } from './fixture.ts';

/*
 * A pull request can be pointed at another base branch without a push: its head stays, and what it changes does not.
 */

let ground: Ground;

beforeEach(async () => {
  ground = await Ground.start();
  await ground.commit('side', RELEASE, await ground.headOfBranch('main'));
});

afterEach(() => ground.close());

const point = (number: number, base: string) => ground.as('ada', 'PATCH', `pulls/${number}`, { base });

/** What the branch `side` shows of it is the README alone. */
const HIDDEN = { files: { ...RELEASE, 'README.md': '# Seen\n' } };

it('makes an approval of before worthless for a command', async () => {
  const number = await ground.open(HIDDEN);
  await point(number, 'side');
  await ground.review('lin-wei', number);
  await point(number, 'main');
  await ground.write('ada', number, LIST);
  const { outputs } = await ground.comment('ada', number, COMMAND);
  expect(outputs).toMatchObject({ result: 'refused', plugins: [] });
  expect(outputs.reason).toContain('lin-wei approved it before it was pointed at another base branch');
  expect(await ground.record(await ground.headOf(number))).toBeUndefined();
  await ground.review('lin-wei', number);
  const now = await ground.comment('ada', number, COMMAND);
  expect(now.outputs.reason).not.toContain('base branch');
});

it('stops what was commanded before, when it is bound and before it is uploaded', async () => {
  const { number, commit, outputs } = await ground.release();
  await ground.commit('other', { 'README.md': '# Other\n' }, await ground.headOfBranch('main'));
  await point(number, 'other');
  await point(number, 'main');
  const given = { 'pull-request': String(number), commit, plugins: JSON.stringify(outputs.plugins) };
  await expect(ground.run({ mode: 'verify', ...given })).rejects.toMatchObject({ code: 'not-approved' });
  const bound = await ground.run({ mode: 'bind', ...given });
  expect(bound.outputs).toMatchObject({ result: 'refused', plugins: [] });
  await ground.review('lin-wei', number);
  expect((await ground.comment('ada', number, COMMAND)).outputs.result).toBe('release');
});

it('fails when GitHub does not tell', async () => {
  const { number, commit, outputs } = await ground.release();
  const given = { 'pull-request': String(number), commit, plugins: JSON.stringify(outputs.plugins) };
  const body = '{"data":null,"errors":[{"message":"Something went wrong"}]}';
  // The first question is who we are.
  const viewer = '{"data":{"viewer":{"login":"github-actions[bot]"}}}';
  ground.github.failNext({ kind: 'status', status: 200, path: /graphql/, body: viewer });
  ground.github.failNext({ kind: 'status', status: 200, path: /graphql/, body, times: 10 });
  await expect(ground.run({ mode: 'verify', ...given })).rejects.toThrow('Something went wrong');
});
