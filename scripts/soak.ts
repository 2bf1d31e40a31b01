/**
 * Kills and faults by the hundred: `npm run soak -- --kills 300 --faults 300 --seed 7`.
 *
 * `--kills` and `--faults` are of transfers; `--chain` kills the machines under the chain, so many times. A failure
 * prints how to repeat it alone: `--only kill:12` or `--only fault:12` with its seed.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildQuietly } from './build-quietly.ts';
import { runScript } from './run-script.ts';

const ROOT = join(import.meta.dirname, '..');
const CHAIN = ['test/chain/kill-release.test.ts', 'test/chain/kill-distribution.test.ts'];
const KILLS = ['test/transfers/kills.test.ts'];
const FAULTS = ['test/transfers/random-faults.test.ts'];

/** Tests to play, and the variables that say which. */
interface Series {
  readonly name: string;
  readonly files: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

await runScript(async () => {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '20' },
      faults: { type: 'string', default: '20' },
      chain: { type: 'string', default: '0' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      only: { type: 'string' },
    },
  });
  const seed = String(count('seed', values.seed));
  const all = values.only === undefined ? chooseSeries(values, seed) : [chooseOne(values.only, seed)];
  await buildQuietly();
  const lines = all.map(play);
  process.stdout.write(`\nsoak with the seed ${seed}: ${lines.join('; ')}\n`);
});

function chooseSeries(values: Readonly<Record<'kills' | 'faults' | 'chain', string>>, seed: string): Series[] {
  const [kills, faults, chain] = [
    count('kills', values.kills),
    count('faults', values.faults),
    count('chain', values.chain),
  ];
  const series: Series[] = [];
  if (kills > 0) series.push(seriesOf('kills of transfers', KILLS, { SLIPWAY_TRANSFER_KILLS: String(kills) }, seed));
  if (faults > 0) series.push(seriesOf('faults of transfers', FAULTS, { SLIPWAY_FAULTS: String(faults) }, seed));
  if (chain > 0) {
    // Both files play as many, one for each half of the chain.
    const each = String(Math.ceil(chain / CHAIN.length));
    series.push(seriesOf('kills of the chain', CHAIN, { SLIPWAY_KILLS: each }, seed));
  }
  return series;
}

function chooseOne(only: string, seed: string): Series {
  const [, kind, index] = /^(kill|fault):(\d{1,9})$/.exec(only) ?? [];
  if (index === undefined) throw new Error(`--only ${only}: write kill:<number> or fault:<number>.`);
  return seriesOf(`${kind} ${index}`, kind === 'kill' ? KILLS : FAULTS, { SLIPWAY_TRIAL: index }, seed);
}

function seriesOf(name: string, files: readonly string[], env: Readonly<Record<string, string>>, seed: string): Series {
  return { name, files, env: { ...env, SLIPWAY_SEED: seed } };
}

function count(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Error(`--${name} ${text}: give a number.`);
}

/** Plays a series, shows what vitest says of it, and returns a line with the figures. */
function play({ name, files, env }: Series): string {
  const directory = mkdtempSync(join(tmpdir(), 'slipway-soak-'));
  const report = join(directory, 'report.json');
  try {
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const { status } = spawnSync(process.execPath, [vitest, 'run', ...reporters, ...files], {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, ...env },
    });
    if (status !== 0) process.exitCode = 1;
    const { numPassedTests: passed, numFailedTests: failed } = JSON.parse(readFileSync(report, 'utf8')) as {
      readonly numPassedTests: number;
      readonly numFailedTests: number;
    };
    return `${name}: ${passed} well, ${failed} failed`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
