/**
 * Measures the shipped bundles beside the tools people use instead, all in the same run on this machine:
 * `npm run bench -- sync|archive|upload|start|memory|distribution|promote|all … [--json FILE] [--runs N] [--case NAME …]
 * [--no-wait] [--alone]`.
 *
 * `distribution` and `promote` measure storage repositories that are made for it: `--large` adds 20,000 package versions,
 * `--repo DIR` takes one that exists, `--plot DIR` writes tables and plots of how the figures grow. `distribution --make DIR [--versions N] [--names N | --shape names|versions] [--seed S]` only
 * makes one.
 *
 * `--alone` leaves the peers out. `--scale 0.01` makes every layer a hundredth as large, `--tree DIR` measures a release tree that was assembled before.
 *
 * Figures depend on the machine and on what else it does: ratios travel, times do not.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runScript, userDirectory } from '../scripts/run-script.ts';
import { runBench } from './run-bench.ts';
import { makeStorage, namesOf } from './storage-generator.ts';

await runScript(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'string' },
      runs: { type: 'string', default: '5' },
      case: { type: 'string', multiple: true, default: [] },
      scale: { type: 'string', default: '1' },
      'no-wait': { type: 'boolean', default: false },
      alone: { type: 'boolean', default: false },
      tree: { type: 'string' },
      large: { type: 'boolean', default: false },
      repo: { type: 'string' },
      plot: { type: 'string' },
      make: { type: 'string' },
      versions: { type: 'string', default: '2000' },
      names: { type: 'string' },
      shape: { type: 'string', default: 'names' },
      seed: { type: 'string', default: 'bench' },
    },
  });
  const pathOf = (path: string | undefined) => (path === undefined ? undefined : resolve(userDirectory(), path));
  const make = pathOf(values.make);
  if (make !== undefined) {
    const versions = readNumber('versions', values.versions);
    const names = values.names === undefined ? undefined : readNumber('names', values.names);
    // As many names as a tenth of the versions has: so many more versions of each.
    const fewer = values.shape === 'versions' ? namesOf(versions / 10) : undefined;
    console.log(await makeStorage(make, { versions, names: names ?? fewer, seed: values.seed }));
    return;
  }
  await runBench({
    large: values.large,
    repository: pathOf(values.repo),
    plot: pathOf(values.plot),
    jobs: positionals.length === 0 ? ['all'] : positionals,
    cases: values.case,
    runs: readNumber('runs', values.runs),
    wait: !values['no-wait'],
    alone: values.alone,
    scale: readNumber('scale', values.scale),
    tree: pathOf(values.tree),
    json: pathOf(values.json),
  });
});
// Clients and servers leave timers and idle connections behind, and everything is done.
process.exit();

function readNumber(name: string, text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new Error(`--${name} is '${text}', and must be a number above 0.`);
}
