import type { Runtime } from '@slipway/core/action/action';
import { checkOverwrite } from '@slipway/core/action/overwrite';
import { DistributionImages, openStorage, type StorageAccess } from '@slipway/core/action/storage-access';
import { type Distribution, findDistribution } from '@slipway/core/configuration/storage';
import { ConfigurationError } from '@slipway/core/errors';
import type { AppPermissions } from '@slipway/core/github/app-token';
import type { PackageTree } from '@slipway/core/storage/package-version';
import { promote, removePromoted } from '@slipway/core/storage/promote';
import type { Refusal } from '@slipway/core/storage/promotion';
import { gate } from './gate.ts';
import { closeGate } from './gate-closed.ts';
import type { Inputs } from './inputs.ts';
import { report } from './report.ts';

export interface Outputs {
  /** Number of the pull request; empty when there is none. */
  readonly 'pull-request': number | '';
  readonly branch: string;
  readonly promoted: readonly PackageTree[];
  readonly removed: readonly PackageTree[];
  readonly refused: readonly Refusal[];
  readonly plan: unknown;
  readonly changed: boolean;
  readonly [name: string]: unknown;
}

/** What the App's token must be able to do in the storage repository. */
const PERMISSIONS = {
  add: { contents: 'write', pull_requests: 'write' },
  remove: { contents: 'write', pull_requests: 'write' },
  gate: { checks: 'write', contents: 'read', pull_requests: 'read' },
} as const satisfies Record<Inputs['mode'], AppPermissions>;

/** Promotes package versions, removes those that were promoted, or judges pull requests that do so. */
export async function run(inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  checkOverwrite(inputs, runtime.event);
  const access = await open(inputs, runtime);
  const images = new DistributionImages(access.configuration, inputs, runtime);
  try {
    switch (inputs.mode) {
      case 'add':
        return await add(access, inputs, runtime);
      case 'remove':
        return await remove(access, images, inputs, runtime);
      case 'gate':
        return await gate(access, images, inputs, runtime);
    }
  } finally {
    await images.close();
  }
}

async function open(inputs: Inputs, runtime: Runtime): Promise<StorageAccess> {
  try {
    return await openStorage(inputs, runtime, PERMISSIONS[inputs.mode]);
  } catch (error) {
    // Nothing can be judged then, and what was judged before must not stay green.
    const isClosed = inputs.mode === 'gate' && error instanceof ConfigurationError;
    if (isClosed) await closeGate(error, PERMISSIONS.gate, inputs, runtime);
    throw error;
  }
}

async function add({ configuration, storage }: StorageAccess, inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  const settings = configuration.storage;
  const [from, to] = [distributionOf('from'), distributionOf('to')];
  const selection = inputs.packages;
  if (selection === undefined) {
    throw new ConfigurationError(
      'missing-input',
      "input 'packages' is required with mode: add; `all` promotes everything.",
    );
  }
  const { overwrite, reason } = inputs;
  const request = { settings, selection, from, to, overwrite, reason, dryRun: inputs['dry-run'] };
  const { plan, branch, pullRequest, changed } = await promote(storage, request);
  const { promoted, overwritten, unchanged, refused, edit } = plan;
  return report(
    {
      'pull-request': pullRequest ?? '',
      branch,
      promoted,
      removed: [],
      refused,
      plan: { from: from.name, to: to.name, branch, tree: edit?.tree ?? '', promoted, overwritten, unchanged, refused },
      changed,
    },
    { title: `Promotion from ${from.name} to ${to.name}`, packages: promoted, verb: 'promoted', others: unchanged },
    inputs,
    runtime,
  );

  function distributionOf(input: 'from' | 'to'): Distribution {
    return needDistribution(inputs, input, configuration.storage);
  }
}

async function remove(
  { configuration, storage }: StorageAccess,
  images: DistributionImages,
  inputs: Inputs,
  runtime: Runtime,
): Promise<Outputs> {
  const settings = configuration.storage;
  const from = needDistribution(inputs, 'from', settings);
  const to = inputs.to === undefined ? undefined : findDistribution(settings, inputs.to);
  const { packages: selection = 'all', 'dry-run': dryRun } = inputs;
  const request = { settings, selection, from, to, images: await images.repository(), dryRun };
  const { plan, branch, pullRequest, changed } = await removePromoted(storage, request);
  const { removed, refused, waiting, edit } = plan;
  for (const { reason } of waiting) runtime.log.info(`stays for now: ${reason}`);
  return report(
    {
      'pull-request': pullRequest ?? '',
      branch,
      promoted: [],
      removed,
      refused,
      plan: { from: from.name, branch, tree: edit?.tree ?? '', removed, refused, waiting },
      changed,
    },
    { title: `Removal from ${from.name}`, packages: removed, verb: 'removed', others: waiting },
    inputs,
    runtime,
  );
}

function needDistribution(
  inputs: Inputs,
  input: 'from' | 'to',
  settings: Parameters<typeof findDistribution>[0],
): Distribution {
  const name = inputs[input];
  if (name !== undefined) return findDistribution(settings, name);
  throw new ConfigurationError('missing-input', `input '${input}' is required with mode: ${inputs.mode}.`);
}
