import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { formatBytes } from '@slipway/core/util/units';

const RUNS = 15;

/**
 * Measures what each bundle costs before it does anything: CPU milliseconds to load and to fail on its missing inputs,
 * minimum and median of 15 runs beside those of a bare node, and its size.
 */
export async function measureStart(tree: string): Promise<string> {
  const actions = readdirSync(tree).filter(
    (name) => statSync(join(tree, name)).isDirectory() && name !== 'schema' && !name.startsWith('.'),
  );
  const rows = [row('bare node', ['-e', '0'], 0)];
  for (const action of actions) {
    const bundle = join(tree, action, 'dist/index.js');
    rows.push(row(action, [bundle], statSync(bundle).size));
  }
  return ['start            CPU min   CPU median   size of dist/index.js', ...rows].join('\n');
}

function row(name: string, args: readonly string[], size: number): string {
  const times = Array.from({ length: RUNS }, () => cpuMilliseconds(args)).sort((a, b) => a - b);
  const [minimum = 0, median = 0] = [times[0], times[Math.floor(RUNS / 2)]];
  return `${name.padEnd(16)} ${`${minimum} ms`.padStart(7)} ${`${median} ms`.padStart(12)}   ${size === 0 ? '' : formatBytes(size)}`;
}

/** User and system time of one run, by bash's own clock; node does not tell the times of its children. */
function cpuMilliseconds(args: readonly string[]): number {
  const script = 'TIMEFORMAT="%3U %3S"; time "$@" >/dev/null 2>&1 || true';
  const output = execFileSync('bash', ['--norc', '-c', `{ ${script}; } 2>&1`, 'bash', process.execPath, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  });
  const [user = 0, system = 0] = output.trim().split(/\s+/).map(Number);
  return Math.round((user + system) * 1000);
}
