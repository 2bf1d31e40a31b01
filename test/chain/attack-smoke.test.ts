import { expect, it } from 'vitest';
import { assembledTree } from '../assembled.ts';
import { openApproved, openChain } from './chain-place.ts';
import { ENGINEER, PUSHED_COMMENT } from '../../scripts/demo/cast.ts';
it('smokes', async () => {
  const tree = await assembledTree();
  await using place = await openChain(tree);
  const pull = await openApproved(place);
  await place.release(ENGINEER).comment(pull.number, PUSHED_COMMENT);
  const runs = await place.chain.settle(['release', 'pull request','distribution']);
  console.log('done', runs.map((r) => [r.name, r.event, r.conclusion, r.results.map((x) => `${x.id}:${x.result}:${x.steps.map((s) => s.name)}`)]));
  console.log(place.lines.join('\n'));
  expect(1).toBe(1);
});
