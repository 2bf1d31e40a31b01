import type { Runtime } from '@slipway/core/action/action';
import { openRegistries } from '@slipway/core/action/registry-access';
import { openStorage } from '@slipway/core/action/storage-access';
import type { Configuration } from '@slipway/core/configuration/configuration';
import { type Distribution, findDistribution, type StorageSettings } from '@slipway/core/configuration/storage';
import { ConfigurationError, explainError } from '@slipway/core/errors';
import { findBranchHead } from '@slipway/core/github/branch';
import { parseReference } from '@slipway/core/image/reference';
import { checkRegistryVersion, type Drift, findDrift } from '@slipway/core/storage/registry-version';
import type { StorageRepository } from '@slipway/core/storage/storage-repository';
import {
  type RegistryState,
  readRegistryState,
  type Update,
  updateRegistry,
} from '@slipway/core/storage/update-registry';
import type { Inputs } from './inputs.ts';

export interface Outputs {
  readonly 'pull-requests': readonly { readonly distribution: string; readonly number: number; readonly url: string }[];
  readonly drift: readonly Drift[];
  readonly plan: readonly Update[];
  readonly changed: boolean;
  readonly [name: string]: unknown;
}

/**
 * Moves distributions to another version of the package registry, and says where they disagree now.
 *
 * All of them are planned before anything is written; one that cannot be moved keeps none of the others from it, and makes
 * the step fail in the end.
 */
export async function run(inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  const { version, 'dry-run': dryRun } = inputs;
  const permissions = { contents: 'write', pull_requests: 'write' } as const;
  const { configuration, storage, token } = await openStorage(inputs, runtime, permissions);
  const settings = configuration.storage;
  const active = settings.distributions.filter(({ frozen }) => !frozen);
  const distributions = chooseDistributions(inputs, settings, active);
  for (const distribution of distributions) checkRegistryVersion(version, distribution);
  const drift = findDrift(await readStates(storage, active));
  const images = new ImageFinder(inputs, configuration, runtime);
  const attempt = async (distribution: Distribution, onlyPlan: boolean): Promise<Attempt> => {
    const findImage = (reference: string) => images.find(reference);
    const remote = { url: `${runtime.event.serverUrl}/${storage.name}.git`, token };
    const { workDirectory, env } = runtime;
    const request = { distribution, version, findImage, remote, workDirectory, env, dryRun: onlyPlan };
    try {
      return { distribution, update: await updateRegistry(storage, request) };
    } catch (error) {
      return { distribution, failure: explainError(error) };
    }
  };
  const attempts: Attempt[] = [];
  for (const distribution of distributions) attempts.push(await attempt(distribution, true));
  for (const [index, { distribution, update }] of dryRun ? [] : attempts.entries()) {
    if (update === undefined) continue;
    attempts[index] = await runtime.group(distribution.name, () => attempt(distribution, false));
  }
  return report(attempts, drift, storage.name, inputs, runtime);
}

/** What became of one distribution: an update, or why there is none. */
type Attempt = { readonly distribution: Distribution } & (
  | { readonly update: Update; readonly failure?: undefined }
  | { readonly update?: undefined; readonly failure: string }
);

function chooseDistributions(
  { distributions }: Inputs,
  settings: StorageSettings,
  active: readonly Distribution[],
): readonly Distribution[] {
  return distributions === undefined ? active : distributions.map((name) => findDistribution(settings, name));
}

/** A branch that is not there, or has no package registry, disagrees with nobody. */
async function readStates(
  storage: StorageRepository,
  distributions: readonly Distribution[],
): Promise<readonly RegistryState[]> {
  const read = distributions.map(async ({ name }): Promise<RegistryState[]> => {
    const head = await findBranchHead(storage.github, storage.name, name);
    if (head === undefined) return [];
    try {
      return [await readRegistryState(storage, name, head)];
    } catch (error) {
      if (error instanceof ConfigurationError) return [];
      throw error;
    }
  });
  return (await Promise.all(read)).flat();
}

/** Looks for images of the package registry, in whatever registry a Dockerfile names. */
class ImageFinder {
  readonly #inputs: Inputs;
  readonly #configuration: Configuration;
  readonly #runtime: Runtime;
  readonly #found = new Map<string, Promise<string>>();

  constructor(inputs: Inputs, configuration: Configuration, runtime: Runtime) {
    this.#inputs = inputs;
    this.#configuration = configuration;
    this.#runtime = runtime;
  }

  /** Returns the digest of an image; throws a ConfigurationError when there is no such image. */
  find(name: string): Promise<string> {
    let found = this.#found.get(name);
    if (found === undefined) {
      found = this.#lookUp(name);
      this.#found.set(name, found);
    }
    return found;
  }

  async #lookUp(name: string): Promise<string> {
    const reference = parseReference(name);
    const registries = await openRegistries(
      { name: 'source', home: undefined },
      [reference],
      this.#inputs,
      this.#configuration,
      this.#runtime,
    );
    const { tag = 'latest' } = reference;
    try {
      const head = await registries.repository(reference).head(tag);
      if (head !== undefined) return head.digest;
    } finally {
      await registries.close();
    }
    throw new ConfigurationError(
      'image-missing',
      `There is no image ${name}, so nothing could be built from it. Is '${tag}' a version that was published?`,
    );
  }
}

function describePullRequest({ pullRequest, draft }: Update): string {
  return pullRequest === undefined ? '' : `#${pullRequest}${draft ? ', a draft: go.mod is to be updated by hand' : ''}`;
}

function report(
  attempts: readonly Attempt[],
  drift: readonly Drift[],
  repository: string,
  inputs: Inputs,
  runtime: Runtime,
): Outputs {
  const { event, log, summary } = runtime;
  const updates = attempts.flatMap(({ update }) => (update === undefined ? [] : [update]));
  summary.heading(`Package registry ${inputs.version}`);
  if (inputs['dry-run']) summary.paragraph('Only planned: dry-run is true.');
  summary.table(
    ['distribution', 'from', 'pull request'],
    attempts.map(({ distribution: { name }, update, failure }) => [
      name,
      update?.from ?? '',
      update === undefined ? `failed: ${failure}` : describePullRequest(update),
    ]),
  );
  const failures = attempts.flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
  for (const message of failures) runtime.annotate({ severity: 'error', title: 'failed', message });
  if (failures.length > 0) runtime.fail('update-failed', failures.join('\n'));
  for (const { distribution, from, to, pullRequest, draft, commands } of updates) {
    const where = pullRequest === undefined ? '' : ` in #${pullRequest}`;
    const still = draft ? `; still to be run: ${commands.join(', ')}` : '';
    log.info(`${distribution}: ${from} to ${to}${where}${still}`);
  }
  if (drift.length > 0) {
    summary.heading('Where versions disagree now', 3);
    summary.table(
      ['distribution', 'place', 'version'],
      drift.map(({ distribution, place, value }) => [distribution, place, `\`${value}\``]),
    );
  }
  for (const { distribution, place, value } of drift) {
    const message = `${place} of '${distribution}' names ${value}, which is not what the other places name.`;
    runtime.annotate({ severity: 'warning', title: 'drift', message });
  }
  return {
    'pull-requests': updates.flatMap(({ distribution, pullRequest: number }) =>
      number === undefined ? [] : [{ distribution, number, url: `${event.serverUrl}/${repository}/pull/${number}` }],
    ),
    drift,
    plan: updates,
    changed: updates.some(({ changed }) => changed),
  };
}
