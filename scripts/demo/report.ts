import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { formatBytes } from '@slipway/core/util/units';
import type { StepRecord } from './progress.ts';
import type { Outcome } from './story.ts';

/** Writes `summary.json` into `output`; paths in it are from `root`. */
export async function writeSummary(
  output: string,
  root: string,
  outcome: Outcome,
  steps: readonly StepRecord[],
): Promise<void> {
  const summary = {
    packages: outcome.packages.map(({ plugin, version, file, sha256, size, uri }) => ({
      plugin,
      version,
      file: relative(root, file),
      sha256,
      size,
      uri,
    })),
    images: outcome.images.map(({ source, target, digest, copied }) => ({ source, target, digest, copied })),
    steps,
  };
  await writeFile(join(output, 'summary.json'), `${JSON.stringify(summary, undefined, 2)}\n`);
}

/** Returns the tables that the demo ends with. */
export function formatOutcome(outcome: Outcome, root: string): string {
  const images = outcome.images.map(({ target, digest, result, copied }) => [
    target,
    (digest ?? '').slice(0, 19),
    result ?? '',
    formatBytes(copied ?? 0),
  ]);
  const packages = outcome.packages.map(({ file, sha256, size, uri }) => [
    relative(root, file),
    sha256.slice(0, 12),
    formatBytes(size),
    uri ?? '',
  ]);
  return [
    formatTable(['image', 'digest', 'result', 'moved'], images),
    formatTable(['package', 'sha256', 'size', 'uploaded to'], packages),
  ].join('\n\n');
}

function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(header), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}
