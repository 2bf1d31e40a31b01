import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { commitFiles } from '@slipway/sandbox/github/seed';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ENGINEER, PUSHED_COMMENT, RELEASES } from '../../scripts/demo/cast.ts';
import { stepsOf } from '../../scripts/demo/chain.ts';
import { RELEASE_EXAMPLE } from '../../scripts/demo/release-repository.ts';
import { assembledTree } from '../assembled.ts';
import { openApproved, openChainIn } from './chain-place.ts';
import { readReleaseEnd } from './release-end.ts';

const CALLER = '.github/workflows/release.yml';

/** There is no image here to build a distribution on; that is another test's. */
const MAY_FAIL = ['distribution'];

let tree: string;
let directory: string;

beforeAll(async () => {
  tree = await assembledTree();
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-keep-'));
  // Machines and artifacts too, so that everything they write can be looked for.
  vi.stubEnv('TMPDIR', directory);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

const packageFiles = (pattern: string): string[] =>
  globSync(pattern, { cwd: directory }).filter((file) => /\.tar\.gz/.test(basename(file)));

/** Releases both plugins; returns what is left, the steps, and the files of packages that were seen on a machine. */
async function release(given: string) {
  await using place = await openChainIn(directory, tree);
  const text = readFileSync(join(RELEASE_EXAMPLE, CALLER), 'utf8').replace(/^ {4}with:\n/m, `$&${given}`);
  await commitFiles(join(directory, 'compass-release.git'), 'main', { [CALLER]: text }, { message: 'Call otherwise' });
  const { number } = await openApproved(place);
  const seen = new Set<string>();
  place.stage.workflows.setKiller({
    atStep: (job) => {
      if (job.startsWith('release / release (')) for (const file of packageFiles('**/*')) seen.add(basename(file));
      return false;
    },
    atLine: () => false,
  });
  await place.release(ENGINEER).comment(number, PUSHED_COMMENT);
  const runs = await place.chain.settle(MAY_FAIL);
  const end = await readReleaseEnd(place, number);
  const artifacts = packageFiles('slipway-artifacts-*/**/*').map((file) => join(directory, file));
  const contents = artifacts.map((file) => [basename(file), readFileSync(file)] as const);
  return { end, artifacts: Object.fromEntries(contents), seen: [...seen], steps: stepsOf(runs) };
}

describe('the workflow plugin-release', () => {
  it('streams packages into their uploads, and no machine has a file of one', async () => {
    const { end, artifacts, seen, steps } = await release('');
    expect(Object.keys(end.objects)).toHaveLength(2 * RELEASES.length);
    expect([seen, artifacts]).toEqual([[], {}]);
    expect(steps.filter(({ id }) => id === 'bundle').map(({ result }) => result)).toEqual(
      RELEASES.map(() => 'skipped'),
    );
  });

  it('keeps as artifacts the very files that it uploads, when it is asked to', async () => {
    const { end, artifacts, seen } = await release('      keep-package: true\n');
    expect(seen.length).toBeGreaterThanOrEqual(2 * RELEASES.length);
    const kept = Object.entries(artifacts).map(([name, bytes]) => [
      name,
      createHash('sha256').update(bytes).digest('hex'),
    ]);
    const uploaded = Object.entries(end.objects).map(([key, sha256]) => [basename(key), sha256]);
    expect(Object.fromEntries(kept)).toEqual(Object.fromEntries(uploaded));
    expect(kept).toHaveLength(2 * RELEASES.length);
  });
});
