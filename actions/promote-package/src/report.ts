import type { Runtime } from '@slipway/core/action/action';
import { formatPackageVersion, type PackageTree } from '@slipway/core/storage/package-version';
import type { Inputs } from './inputs.ts';
import type { Outputs } from './run.ts';

/** What the summary says about what was done. */
interface Story {
  readonly title: string;
  readonly packages: readonly PackageTree[];
  readonly verb: 'promoted' | 'removed';
  /** What was asked for or looked at, and stays as it is. */
  readonly others: readonly PackageTree[];
}

/** Shows what was planned or done, and makes the step fail when something was refused. */
export function report(
  outputs: Outputs,
  { title, packages, verb, others }: Story,
  inputs: Inputs,
  runtime: Runtime,
): Outputs {
  const { log, summary } = runtime;
  const { refused, 'pull-request': number } = outputs;
  summary.heading(title);
  if (inputs['dry-run']) summary.paragraph('Only planned: dry-run is true.');
  if (number !== '') summary.paragraph(`Pull request #${number}, branch ${outputs.branch}`);
  if (inputs.overwrite) summary.paragraph(`Overwriting was allowed: ${inputs.reason ?? ''}`);
  const rows = [
    ...packages.map((each) => [formatPackageVersion(each), `\`${each.tree}\``, verb]),
    ...others.map((each) => [formatPackageVersion(each), `\`${each.tree}\``, 'unchanged']),
    ...refused.map((each) => [formatPackageVersion(each), `\`${each.tree}\``, `refused: ${each.reason}`]),
  ];
  if (rows.length > 0) summary.table(['package', 'tree', 'result'], rows);
  for (const each of packages) {
    log.info(`${inputs['dry-run'] ? 'would be ' : ''}${verb}: ${formatPackageVersion(each)}, tree ${each.tree}`);
  }
  if (packages.length === 0 && refused.length === 0) log.info('There is nothing to do.');
  for (const { reason } of refused) runtime.annotate({ severity: 'error', title: 'refused', message: reason });
  if (refused.length > 0)
    runtime.fail('promotion-refused', `Refused: ${refused.map(({ reason }) => reason).join(' ')}`);
  return outputs;
}
