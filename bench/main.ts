/**
 * Measures the shipped bundles beside the tools people use instead, all in the same run on this machine:
 * `npm run bench -- sync|archive|upload|start|memory|all … [--json FILE] [--runs N] [--case NAME …] [--no-wait]`.
 *
 * `--scale 0.01` makes every layer a hundredth as large, `--tree DIR` measures a release tree that was assembled before.
 *
 * Figures depend on the machine and on what else it does: ratios travel, times do not.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runScript, userDirectory } from '../scripts/run-script.ts';
import { runBench } from './run-bench.ts';

await runScript(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'string' },
      runs: { type: 'string', default: '5' },
      case: { type: 'string', multiple: true, default: [] },
      scale: { type: 'string', default: '1' },
      'no-wait': { type: 'boolean', default: false },
      tree: { type: 'string' },
    },
  });
  const pathOf = (path: string | undefined) => (path === undefined ? undefined : resolve(userDirectory(), path));
  await runBench({
    jobs: positionals.length === 0 ? ['all'] : positionals,
    cases: values.case,
    runs: readNumber('runs', values.runs),
    wait: !values['no-wait'],
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
