import { type Configuration, need } from '../configuration/configuration.ts';
import { ConfigurationError } from '../errors.ts';
import type { AppPermissions } from '../github/app-token.ts';
import { parseReference } from '../image/reference.ts';
import type { Repository } from '../registry/repository.ts';
import { openStorageRepository, type StorageRepository } from '../storage/storage-repository.ts';
import type { Runtime } from './action.ts';
import { loadConfiguration } from './configuration.ts';
import { type GitHubAccess, type GitHubInputs, openGitHub } from './github-access.ts';
import { openRegistries, storageSide } from './registry-access.ts';

export interface StorageAccess {
  /** The storage repository's own, from the head of its default branch. */
  readonly configuration: Configuration;
  readonly storage: StorageRepository;
  /** What the storage repository is reached with; undefined reads a public one without. */
  readonly token: string | undefined;
}

interface StorageInputs extends GitHubInputs {
  readonly config: string;
  /** Reaches the storage repository where the job's own token does not, in place of an App. */
  readonly 'storage-token'?: string | undefined;
}

/**
 * Opens the storage repository: `repository`, else the one that the configuration of the job's repository names, else the
 * job's own. The App, when one is given, is asked for a token that can do `permissions` there; the job's own repository is
 * read with the job's own token.
 *
 * Its policy is always read from the head of its default branch, whichever branch the event is about: what a distribution
 * branch or a pull request says about the rules must not hold for itself.
 */
export async function openStorage(
  inputs: StorageInputs,
  runtime: Runtime,
  permissions: AppPermissions = { contents: 'read' },
  repository?: string,
): Promise<StorageAccess> {
  const { event } = runtime;
  const atDefaultBranch = { ...event, pullRequest: undefined };
  let configuration: Configuration | undefined;
  let name = repository;
  if (name === undefined) {
    configuration = await loadConfiguration(inputs.config, atDefaultBranch, inputs.token);
    name = configuration.storage.repository ?? event.repository;
  }
  if (name === undefined) {
    throw new ConfigurationError(
      'missing-repository',
      'There is no storage repository: set GITHUB_REPOSITORY to owner/name.',
    );
  }
  const { github, token, login } = await openStorageGitHub(name, permissions, inputs, runtime);
  if (login === undefined && permissions['contents'] === 'write') warnOfDeadEnd(name, inputs, runtime);
  if (configuration === undefined || name !== event.repository) {
    configuration = await loadConfiguration(inputs.config, { ...atDefaultBranch, repository: name }, token);
  }
  return { configuration, storage: openStorageRepository(github, name), token };
}

/** GitHub starts nothing for what a job's own token does; whoever waits for the rest of the chain must know. */
function warnOfDeadEnd(name: string, inputs: StorageInputs, { event, log }: Runtime): void {
  if (event.name === '' || inputs['storage-token'] !== undefined) return;
  log.warning(
    `No GitHub App is given: with the job's own token, what is pushed or opened in ${name} starts no workflow. Dispatch by ` +
      "hand what should follow, or give the inputs 'app-id' and 'app-private-key'.",
  );
}

function openStorageGitHub(
  name: string,
  permissions: AppPermissions,
  inputs: StorageInputs,
  runtime: Runtime,
): Promise<GitHubAccess> {
  const given = inputs['storage-token'];
  if (given === undefined) return openGitHub(name, permissions, inputs, runtime);
  if (inputs['app-id'] === undefined && inputs['app-private-key'] === undefined) {
    return openGitHub(name, permissions, { token: given }, runtime);
  }
  throw new ConfigurationError(
    'conflicting-inputs',
    "input 'storage-token' goes with neither 'app-id' nor 'app-private-key': both say who reaches the storage repository.",
  );
}

/** The repository of the distributions' images, opened when it is asked for. */
export class DistributionImages {
  readonly #configuration: Configuration;
  readonly #inputs: Parameters<typeof openRegistries>[2];
  readonly #runtime: Runtime;
  #opened: ReturnType<typeof openRegistries> | undefined;

  constructor(configuration: Configuration, inputs: Parameters<typeof openRegistries>[2], runtime: Runtime) {
    this.#configuration = configuration;
    this.#inputs = inputs;
    this.#runtime = runtime;
  }

  /** Throws a ConfigurationError with the line to add when the configuration does not say where the images are. */
  async repository(): Promise<Repository> {
    const reference = parseReference(need(this.#configuration, 'storage.image'));
    this.#opened ??= openRegistries(
      storageSide(this.#configuration),
      [reference],
      this.#inputs,
      this.#configuration,
      this.#runtime,
    );
    return (await this.#opened).repository(reference);
  }

  async close(): Promise<void> {
    // Whoever asked for it has heard why it could not be opened.
    const opened = await this.#opened?.catch(() => undefined);
    await opened?.close();
  }
}
