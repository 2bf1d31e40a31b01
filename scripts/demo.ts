/**
 * Plays a release on servers on this machine: `npm run demo`.
 *
 * `--again` plays it on what the last run left, and so finds nothing to do; without it, or with `--fresh`, everything
 * starts over. Packages and `summary.json` are left in `demo-output/`.
 */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatDuration } from '@slipway/core/util/units';
import { Progress } from './demo/progress.ts';
import { formatOutcome, writeSummary } from './demo/report.ts';
import { setStage } from './demo/stage.ts';
import { playRelease } from './demo/story.ts';
import { assembleStanding } from './release-tree.ts';
import { runScript } from './run-script.ts';

const ROOT = join(import.meta.dirname, '..');
const OUTPUT = join(ROOT, 'demo-output');

await runScript(async () => {
  const { values } = parseArgs({ options: { again: { type: 'boolean' }, fresh: { type: 'boolean' } } });
  const state = join(OUTPUT, '.state');
  if (values.again !== true) await rm(OUTPUT, { recursive: true, force: true });
  else if (!existsSync(state)) throw new Error('There is no run to go on from: npm run demo first, without --again.');
  await mkdir(state, { recursive: true });
  const tree = await assembleStanding();

  const started = performance.now();
  const progress = new Progress();
  console.log('A release from pull request to offline package. Every server is on this machine.\n');
  const stage = await progress.step('stage', () => setStage(state));
  try {
    const outcome = await playRelease(stage, tree, OUTPUT, progress);
    await writeSummary(OUTPUT, ROOT, outcome, progress.steps);
    const moved = outcome.images.reduce((sum, { copied = 0 }) => sum + copied, 0);
    console.log(`\n${formatOutcome(outcome, ROOT)}\n`);
    console.log(
      `Pull request #${outcome.pullRequest.number} released in ${formatDuration(performance.now() - started)}: ` +
        `${moved === 0 ? 'no image had to be copied' : 'images copied'}, ${outcome.uploaded} packages uploaded.`,
    );
    console.log(
      'Left in demo-output/: the packages, their .sha256, summary.json. Try --again: nothing will be left to do.',
    );
  } finally {
    await stage.sandbox.close();
  }
});
