import { afterEach, beforeEach, expect, it } from 'vitest';
import { COMMAND, Ground, LIST, packageOf } from './fixture.ts';

let ground: Ground;

beforeEach(async () => {
  ground = await Ground.start();
});

afterEach(() => ground.close());

it('carries a pull request from its opening to its packages', async () => {
  const number = await ground.open();
  await ground.happen(number, 'opened');
  expect(await ground.labels(number)).toEqual(['kind/release', 'queue/need-queue']);
  await ground.review('lin-wei', number);
  await ground.write('ada', number, LIST);
  const { outputs } = await ground.comment('ada', number, COMMAND);
  expect(outputs.result).toBe('release');

  const release = { 'pull-request': String(number), commit: outputs.commit };
  for (const plugin of outputs.plugins) {
    const verified = await ground.run({ mode: 'verify', ...release, plugins: JSON.stringify([plugin]) });
    expect(verified.outputs.result).toBe('release');
  }
  const packages = JSON.stringify(outputs.plugins.map((plugin) => packageOf(plugin)));
  expect((await ground.run({ mode: 'report', ...release, packages })).outputs.result).toBe('updated');
  expect(await ground.labels(number)).toEqual(['kind/release', 'queue/done-package-uploaded']);
  const own = (await ground.comments(number)).filter(({ author }) => author !== 'ada');
  expect(own).toHaveLength(2);
});

it('refuses what is no mode, and overwriting without a reason', async () => {
  await expect(ground.run({ mode: 'release' })).rejects.toThrow('none of command, bind, verify, report');
  const dispatched = { name: 'workflow_dispatch', actor: 'chen' };
  const given = { mode: 'command', 'pull-request': '1', overwrite: 'true' };
  await expect(ground.run(given, dispatched)).rejects.toThrow("input 'reason' is required");
});
