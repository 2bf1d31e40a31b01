import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { buildQuietly } from '../scripts/build-quietly.ts';
import { assembleRelease, isBuilt } from '../scripts/release-tree.ts';

let tree: Promise<string> | undefined;

afterAll(async () => {
  if (tree !== undefined) await rm(await tree, { recursive: true, force: true });
});

/**
 * Returns the release tree, assembled once for a file of tests and removed after it. What was built is taken as it is,
 * for `npm test` builds first; only a missing bundle is built here.
 */
export function assembledTree(): Promise<string> {
  tree ??= assemble();
  return tree;
}

async function assemble(): Promise<string> {
  if (!isBuilt()) await buildQuietly();
  const directory = await mkdtemp(join(tmpdir(), 'slipway-release-'));
  await assembleRelease(directory);
  return directory;
}
