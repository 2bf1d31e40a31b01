import type { Runtime } from '@slipway/core/action/action';
import { loadConfiguration } from '@slipway/core/action/configuration';
import { openStorage } from '@slipway/core/action/storage-access';
import { findDistribution } from '@slipway/core/configuration/storage';
import { ConfigurationError } from '@slipway/core/errors';
import { firstDistribution } from '@slipway/core/storage/direction';
import { layOutPackage, type PackageDirectory } from '@slipway/core/storage/package-directory';
import { formatPackageVersion, type PackageTree } from '@slipway/core/storage/package-version';
import { type Registered, register } from '@slipway/core/storage/register';
import type { Inputs } from './inputs.ts';
import { readReleaseYaml } from './release-yaml.ts';

export interface Outputs {
  /** The commit that holds what was registered. */
  readonly commit: string;
  readonly registered: readonly PackageTree[];
  /** Number of the pull request, where the policy wants one; else empty. */
  readonly 'pull-request': number | '';
  readonly plan: unknown;
  readonly changed: boolean;
  readonly [name: string]: unknown;
}

/** Puts released plugins into the first distribution, as package versions that a package registry serves. */
export async function run(inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  const directories = await layOut(inputs, runtime);
  const { configuration, storage } = await openStorageSide(inputs, runtime);
  const settings = configuration.storage;
  const { distribution: name, 'dry-run': dryRun } = inputs;
  const distribution = name === undefined ? firstDistribution(settings) : findDistribution(settings, name);
  const registered = await register(storage, { settings, distribution, directories, dryRun });
  return report(registered, distribution.name, dryRun, runtime);
}

async function layOut(inputs: Inputs, runtime: Runtime): Promise<PackageDirectory[]> {
  const { event } = runtime;
  const { plugins } = await loadConfiguration(inputs.config, event, inputs.token);
  const directories = inputs.packages.map(async (released) => {
    const yaml = await readReleaseYaml(released, plugins.directory, event, inputs.token);
    return layOutPackage({ package: released, prefix: plugins.prefix, yaml, repository: event.repository ?? '' });
  });
  const all = await Promise.all(directories);
  const twice = all.find((one, index) => all.findIndex((other) => isSame(one, other)) !== index);
  if (twice === undefined) return all;
  throw new ConfigurationError('invalid-packages', `input 'packages' has ${formatPackageVersion(twice)} twice.`);
}

function isSame(one: PackageDirectory, other: PackageDirectory): boolean {
  return one.name === other.name && one.version === other.version;
}

/** The job runs for the release repository, whose configuration may say where the storage is. */
async function openStorageSide(inputs: Inputs, runtime: Runtime) {
  const own = await loadConfiguration(inputs.config, runtime.event, inputs.token);
  const repository = inputs.repository ?? own.storage.repository ?? runtime.event.repository;
  return openStorage(inputs, runtime, { contents: 'write', pull_requests: 'write' }, repository);
}

function report(
  { plan, commit, pullRequest, changed }: Registered,
  distribution: string,
  dryRun: boolean,
  runtime: Runtime,
): Outputs {
  const { log, summary } = runtime;
  const { added, overwritten, unchanged, refused } = plan;
  const replaced = new Map(overwritten.map((each) => [formatPackageVersion(each), each.tree]));
  const resultOf = (each: PackageTree): string => {
    const tree = replaced.get(formatPackageVersion(each));
    return tree === undefined ? 'added' : `replaces \`${tree}\``;
  };
  summary.heading(`${dryRun ? 'Would be registered' : 'Registered'} in ${distribution}`);
  if (pullRequest !== undefined) summary.paragraph(`Pull request #${pullRequest}`);
  summary.table(
    ['package', 'tree', 'result'],
    [
      ...added.map((each) => [formatPackageVersion(each), `\`${each.tree}\``, resultOf(each)]),
      ...unchanged.map((each) => [formatPackageVersion(each), `\`${each.tree}\``, 'unchanged']),
      ...refused.map((each) => [formatPackageVersion(each), `\`${each.tree}\``, `refused: ${each.reason}`]),
    ],
  );
  for (const each of added) {
    log.info(`${dryRun ? 'would register' : 'registered'} ${formatPackageVersion(each)}, tree ${each.tree}`);
  }
  for (const each of unchanged) log.info(`${formatPackageVersion(each)} is there already`);
  for (const { reason } of refused) runtime.annotate({ severity: 'error', title: 'refused', message: reason });
  if (refused.length > 0)
    runtime.fail('registration-refused', `Refused: ${refused.map(({ reason }) => reason).join(' ')}`);
  return {
    commit,
    registered: dryRun ? [] : [...added, ...unchanged],
    'pull-request': pullRequest ?? '',
    plan: { distribution, ...plan },
    changed,
  };
}
