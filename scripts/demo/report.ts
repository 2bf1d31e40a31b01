import { writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { formatBytes } from '@slipway/core/util/units';
import type { Outcome } from './outcome.ts';
import type { Progress } from './progress.ts';

/** Writes `summary.json` into `output`; paths in it are from `root`. */
export async function writeSummary(
  output: string,
  root: string,
  outcome: Outcome,
  { steps, jobs }: Progress,
): Promise<void> {
  const summary = {
    packages: outcome.packages.map(({ plugin, version, file, sha256, size, uri }) => ({
      plugin,
      version,
      file: relative(root, join(output, basename(file))),
      sha256,
      size,
      uri,
    })),
    images: outcome.images.map(({ source, target, digest, copied }) => ({ source, target, digest, copied })),
    registered: outcome.registered,
    promotions: outcome.promotions,
    distributions: outcome.distributions,
    rollouts: outcome.rollouts,
    jobs,
    steps,
  };
  await writeFile(join(output, 'summary.json'), `${JSON.stringify(summary, undefined, 2)}\n`);
}

/** Returns the tables that the demo ends with. */
export function formatOutcome(outcome: Outcome, { jobs }: Progress): string {
  const timeline = jobs
    .filter(({ result }) => result !== 'skipped')
    .toSorted((a, b) => a.started - b.started)
    .map(({ started, seconds, event, workflow, job, result }) => [
      started.toFixed(1).padStart(6),
      seconds.toFixed(1).padStart(6),
      event,
      workflow,
      job,
      result,
    ]);
  const images = outcome.images.map(({ target, digest, result, copied }) => [
    target,
    (digest ?? '').slice(0, 19),
    result ?? '',
    formatBytes(copied ?? 0),
  ]);
  const packages = outcome.packages.map(({ file, sha256, size, uri }) => [
    basename(file),
    sha256.slice(0, 12),
    formatBytes(size),
    uri,
  ]);
  const distributions = outcome.distributions.map(({ distribution, commit, digest, result, layers, ...bytes }) => [
    distribution,
    commit.slice(0, 12),
    digest.slice(0, 19),
    result,
    String(layers),
    formatBytes(bytes.pushedBytes),
    formatBytes(bytes.reusedBytes),
  ]);
  const rollouts = outcome.rollouts.map(({ distribution, digest, result, seconds, reason }) => [
    distribution,
    digest.slice(0, 19),
    result,
    seconds.toFixed(1),
    reason.split('\n')[0]?.slice(0, 90) ?? '',
  ]);
  return [
    formatTable(['second', 'took', 'event', 'workflow', 'job', 'result'], timeline),
    formatTable(['image', 'digest', 'result', 'moved'], images),
    formatTable(['package', 'sha256', 'size', 'uploaded to'], packages),
    formatTable(['distribution', 'commit', 'digest', 'result', 'layers', 'pushed', 'reused'], distributions),
    formatTable(['rollout', 'digest', 'result', 'seconds', 'reason'], rollouts),
  ]
    .filter((table) => table !== '')
    .join('\n\n');
}

function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(header), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}
