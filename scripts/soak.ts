/**
 * Kills the machines under the chain many times, and looks whether every re-run ends as if nothing had happened:
 * `npm run soak -- --kills 100 [--seed 7]`. A failure prints the kill and the seed.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildQuietly } from './build-quietly.ts';
import { runScript } from './run-script.ts';

const ROOT = join(import.meta.dirname, '..');
const FILES = ['test/chain/kill-release.test.ts', 'test/chain/kill-distribution.test.ts'];

await runScript(async () => {
  const { values } = parseArgs({ options: { kills: { type: 'string', default: '20' }, seed: { type: 'string' } } });
  const kills = Number(values.kills);
  if (!Number.isSafeInteger(kills) || kills < FILES.length) {
    throw new Error(`--kills ${values.kills}: give a number of at least ${FILES.length}.`);
  }
  await buildQuietly();
  const { status } = spawnSync(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', ...FILES], {
    cwd: ROOT,
    stdio: 'inherit',
    env: {
      ...process.env,
      SLIPWAY_KILLS: String(Math.ceil(kills / FILES.length)),
      ...(values.seed !== undefined && { SLIPWAY_SEED: values.seed }),
    },
  });
  process.exitCode = status ?? 1;
});
