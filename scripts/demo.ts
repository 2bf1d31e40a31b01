/**
 * Plays the whole story on servers on this machine: `npm run demo`. Nobody calls an action: people write and click, and
 * GitHub's events start the workflows of the example repositories.
 *
 * `--again` goes on from what the last run left, and finds nothing to do; without it, or with `--fresh`, everything starts
 * over. Packages and `summary.json` are left in `demo-output/`, or in the directory after `--output`.
 */
import { existsSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { formatDuration } from '@slipway/core/util/units';
import { Chain } from './demo/chain.ts';
import { emptyOutcome, type Outcome } from './demo/outcome.ts';
import { Progress } from './demo/progress.ts';
import { formatOutcome, writeSummary } from './demo/report.ts';
import { setStage } from './demo/stage.ts';
import {
  crash,
  openStorageScene,
  playPromotions,
  promoteAgain,
  rollOutAll,
  updateRegistry,
} from './demo/storage-story.ts';
import { download, playRelease } from './demo/story.ts';
import { assembleStanding } from './release-tree.ts';
import { runScript, userDirectory } from './run-script.ts';

const ROOT = join(import.meta.dirname, '..');

await runScript(async () => {
  const { values } = parseArgs({
    options: { again: { type: 'boolean' }, fresh: { type: 'boolean' }, output: { type: 'string' } },
  });
  if (values.again === true && values.fresh === true)
    throw new Error('--again and --fresh say opposite things; give one.');
  const output = resolve(userDirectory(), values.output ?? join(ROOT, 'demo-output'));
  const state = join(output, '.state');
  const isAgain = values.again === true;
  if (isAgain && !existsSync(join(output, 'summary.json'))) {
    throw new Error('There is no run to go on from: npm run demo first, without --again.');
  }
  // First what can fail: what the last run left is gone only when there will be something in its place.
  const tree = await assembleStanding();
  if (!isAgain) await startOver(output);
  await mkdir(state, { recursive: true });

  const started = performance.now();
  const progress = new Progress();
  console.log('From a pull request to running registries, by events alone. Every server is on this machine.\n');
  const stage = await progress.step('stage', () => setStage(state, tree, progress));
  try {
    progress.say(`kubectl: ${stage.kubectl === 'real' ? 'the one on this machine' : 'a stand-in, there is none here'}`);
    progress.say('RUN checks of Dockerfiles are off in the demo: they need root, and buildah or podman');
    const chain = new Chain(stage.workflows, progress);
    const outcome = isAgain ? await readOutcome(output) : emptyOutcome();
    const storage = openStorageScene(stage, chain, outcome, progress);
    await rollOutAll(storage);
    if (isAgain) await promoteAgain(storage);
    else {
      await playRelease(stage, chain, outcome, progress);
      await playPromotions(storage);
    }
    await updateRegistry(storage);
    if (!isAgain) await crash(storage);
    await progress.step('a field engineer fetches the packages', () => download(stage, outcome, output));
    await writeSummary(output, ROOT, outcome, progress);
    console.log(`\n${formatOutcome(outcome, progress)}\n`);
    console.log(`${countJobs(progress)} in ${formatDuration(performance.now() - started)}.`);
    console.log(
      `Left in ${relative(userDirectory(), output)}/: the packages, their .sha256, summary.json. With --again nothing is left to do.`,
    );
  } finally {
    await stage.close();
  }
});

function countJobs({ jobs }: Progress): string {
  const events = new Set(jobs.map(({ event }) => event));
  const ran = jobs.filter(({ result }) => result !== 'skipped').length;
  return `${ran} jobs, started by ${[...events].sort().join(', ')},`;
}

/** What the last run released, and nothing of what it built: that is looked at again. */
async function readOutcome(output: string): Promise<Outcome> {
  const summary = JSON.parse(await readFile(join(output, 'summary.json'), 'utf8')) as Outcome;
  return { ...emptyOutcome(), packages: summary.packages, registered: summary.registered };
}

/** Removes what an earlier run left; a directory that is something else is not touched. */
async function startOver(output: string): Promise<void> {
  const isOurs = existsSync(join(output, '.state'));
  if (existsSync(output) && !isOurs && (!statSync(output).isDirectory() || (await readdir(output)).length > 0)) {
    throw new Error(`${output} was not made by the demo, and is not emptied. Give another --output.`);
  }
  await rm(output, { recursive: true, force: true });
}
