import type { Runtime } from '@slipway/core/action/action';
import { openStorage } from '@slipway/core/action/storage-access';
import { need } from '@slipway/core/configuration/configuration';
import { findDistribution } from '@slipway/core/configuration/storage';
import { BranchStore } from '@slipway/core/distribution/branch-store';
import { buildImage } from '@slipway/core/distribution/build-image';
import { resolveSources } from '@slipway/core/distribution/build-sources';
import { ConfigurationError } from '@slipway/core/errors';
import { isAncestor } from '@slipway/core/github/ancestry';
import { findBranchHead } from '@slipway/core/github/branch';
import { parseReference } from '@slipway/core/image/reference';
import type { Finding } from '@slipway/core/plugin/finding';
import { checkNotFrozen } from '@slipway/core/storage/direction';
import type { PackageVersion } from '@slipway/core/storage/package-version';
import type { StorageRepository } from '@slipway/core/storage/storage-repository';
import type { Inputs } from './inputs.ts';
import { openImages } from './open-image.ts';
import { type Plan, report } from './report.ts';

export interface Outputs {
  readonly image: string;
  readonly digest: string;
  readonly commit: string;
  readonly result: 'built' | 'unchanged' | 'superseded';
  readonly stale: readonly string[];
  readonly downstream: readonly string[];
  /** The distributions from which what was promoted here is to be removed. */
  readonly previous: readonly string[];
  readonly packages: number;
  readonly added: readonly PackageVersion[];
  readonly findings: readonly Finding[];
  readonly plan: Plan;
  readonly changed: boolean;
  readonly [name: string]: unknown;
}

/** Builds the image of a distribution from a commit of its branch, and moves the distribution's tag forward to it. */
export async function run(inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  const { event, env, log } = runtime;
  const { configuration, storage } = await openStorage(inputs, runtime);
  const settings = configuration.storage;
  const distribution = findDistribution(settings, inputs.distribution);
  checkNotFrozen(distribution);
  const image = parseReference(need(configuration, 'storage.image'));
  const commit = await chooseCommit(inputs.commit, storage, distribution.name);
  const url = `${event.serverUrl}/${storage.name}`;
  const directory = runtime.workDirectory;
  const store = new BranchStore({ url, token: inputs.token, directory, env });
  const opener = await openImages(image, inputs, configuration, runtime);
  const branch = await runtime.group(`Fetch ${commit} of ${url}`, () => store.openCommit(commit));
  try {
    const context = { branch, distribution, settings, image, open: opener.open };
    const sources = await resolveSources(context);
    const built = await buildImage(context, sources, {
      images: opener.open(image),
      store,
      directory,
      checks: inputs.checks,
      dryRun: inputs['dry-run'],
      env,
      log,
      isAncestor: (ancestor, descendant) => isAncestor(storage.github, storage.name, ancestor, descendant),
    });
    return report({ context, sources, built, dryRun: inputs['dry-run'], checks: inputs.checks }, runtime);
  } finally {
    await Promise.all([branch.blobs.close(), opener.close()]);
  }
}

/** The branch's head, or an earlier commit of it: nothing is built, and no check run, that nobody has merged. */
async function chooseCommit(given: string | undefined, storage: StorageRepository, branch: string): Promise<string> {
  const head = await findBranchHead(storage.github, storage.name, branch);
  if (head === undefined) {
    throw new ConfigurationError(
      'missing-branch',
      `${storage.name} has no branch '${branch}' for the distribution of that name.`,
    );
  }
  if (given === undefined || (await isAncestor(storage.github, storage.name, given, head))) return given ?? head;
  throw new ConfigurationError(
    'foreign-commit',
    `input 'commit': ${given} is not on the branch '${branch}', whose head is ${head}. Merge it first.`,
  );
}
