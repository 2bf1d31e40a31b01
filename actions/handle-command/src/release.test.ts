import { inputsFrom } from '@slipway/core/action/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openContext, WRITER } from './context.ts';
import { Ground, RELEASE } from './fixture.ts';
import { inputs } from './inputs.ts';
import { release } from './release.ts';
import { readSituation } from './situation.ts';

let ground: Ground;

beforeEach(async () => {
  ground = await Ground.start();
});

afterEach(() => ground.close());

it.each<[string, string, (number: number) => Promise<unknown>]>([
  [
    'pushed to',
    'changed while it was looked at',
    () => ground.push({ 'release-plugins/logs.yaml': `${RELEASE['release-plugins/logs.yaml']}# more\n` }),
  ],
  [
    'closed',
    'changed while it was looked at',
    (number) => ground.as('ada', 'PATCH', `pulls/${number}`, { state: 'closed' }),
  ],
  [
    'pointed at another base',
    'before it was pointed at another base branch',
    (number) => ground.as('ada', 'PATCH', `pulls/${number}`, { base: 'side' }),
  ],
])('binds nothing of a pull request that is %s while it is looked at', async (_, why, change) => {
  await ground.commit('side', { 'README.md': '# Side\n' }, await ground.headOfBranch('main'));
  const number = await ground.open();
  await ground.review('lin-wei', number);
  const given = inputsFrom(inputs, { token: 'job', mode: 'command' });
  const context = await openContext(WRITER, given, ground.makeRuntime());
  const situation = await readSituation(context, number);
  await change(number);
  const order = { by: 'ada', reason: undefined, overwrite: false, isResumed: false };
  const { outputs, missing } = await release(context, situation, order);
  expect(outputs).toMatchObject({ result: 'refused', plugins: [] });
  expect(missing).toEqual([expect.stringContaining(why)]);
  expect(await ground.record(situation.pull.headSha)).toBeUndefined();
});
