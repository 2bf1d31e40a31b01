/**
 * Plays a release on servers on this machine: `npm run demo`.
 *
 * `--again` plays it on what the last run left, and so finds nothing to do; without it, or with `--fresh`, everything
 * starts over. Packages and `summary.json` are left in `demo-output/`, or in the directory after `--output`.
 */
import { existsSync, statSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { formatDuration } from '@slipway/core/util/units';
import { Progress } from './demo/progress.ts';
import { formatOutcome, writeSummary } from './demo/report.ts';
import { type Stage, setStage } from './demo/stage.ts';
import { setStorageStage } from './demo/storage-stage.ts';
import { playStorage, type StorageOutcome } from './demo/storage-story.ts';
import { type Outcome, playRelease } from './demo/story.ts';
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
  if (values.again === true && !existsSync(state)) {
    throw new Error('There is no run to go on from: npm run demo first, without --again.');
  }
  // First what can fail: what the last run left is gone only when there will be something in its place.
  const tree = await assembleStanding();
  if (values.again !== true) await startOver(output);
  await mkdir(state, { recursive: true });

  const started = performance.now();
  const progress = new Progress();
  console.log('A release from pull request to offline package. Every server is on this machine.\n');
  const stage = await progress.step('stage', () => setStage(state));
  try {
    const outcome = await playRelease(stage, tree, output, progress);
    const storage = await playDistributions(state, stage, outcome, tree, progress, values.again === true);
    await writeSummary(output, ROOT, { ...outcome, ...storage }, progress.steps);
    const moved = outcome.images.reduce((sum, { copied = 0 }) => sum + copied, 0);
    console.log(`\n${formatOutcome({ ...outcome, ...storage }, ROOT)}\n`);
    console.log(
      `Pull request #${outcome.pullRequest.number} released in ${formatDuration(performance.now() - started)}: ` +
        `${moved === 0 ? 'no image had to be copied' : 'images copied'}, ${outcome.uploaded} packages uploaded.`,
    );
    console.log(
      `Left in ${relative(userDirectory(), output)}/: the packages, their .sha256, summary.json. With --again nothing is left to do.`,
    );
  } finally {
    await stage.sandbox.close();
  }
});

/** The second half: from the release to running registries. */
async function playDistributions(
  state: string,
  stage: Stage,
  { packages }: Outcome,
  tree: string,
  progress: Progress,
  again: boolean,
): Promise<StorageOutcome> {
  const storage = await progress.step('stage of the distributions', () => setStorageStage(state, stage));
  try {
    progress.say(
      `kubectl: ${storage.kubectl === 'real' ? 'the one on this machine' : 'a stand-in, there is none here'}`,
    );
    progress.say('RUN checks of Dockerfiles are off in the demo: they need root, and buildah or podman');
    return await playStorage(stage, storage, packages, tree, progress, again);
  } finally {
    await storage.close();
  }
}

/** Removes what an earlier run left; a directory that is something else is not touched. */
async function startOver(output: string): Promise<void> {
  const isOurs = existsSync(join(output, '.state'));
  if (existsSync(output) && !isOurs && (!statSync(output).isDirectory() || (await readdir(output)).length > 0)) {
    throw new Error(`${output} was not made by the demo, and is not emptied. Give another --output.`);
  }
  await rm(output, { recursive: true, force: true });
}
