import { type Configuration, need } from '../configuration/configuration.ts';
import { ConfigurationError } from '../errors.ts';
import { connectGitHub } from '../github/connect.ts';
import { parseReference } from '../image/reference.ts';
import type { Repository } from '../registry/repository.ts';
import { openStorageRepository, type StorageRepository } from '../storage/storage-repository.ts';
import type { Runtime } from './action.ts';
import { loadConfiguration } from './configuration.ts';
import { openRegistries, storageSide } from './registry-access.ts';

export interface StorageAccess {
  /** The storage repository's own, from the head of its default branch. */
  readonly configuration: Configuration;
  readonly storage: StorageRepository;
}

interface StorageInputs {
  readonly config: string;
  readonly token: string | undefined;
}

/**
 * Opens the storage repository: `repository`, else the one that the configuration of the job's repository names, else the
 * job's own.
 *
 * Its policy is always read from the head of its default branch, whichever branch the event is about: what a distribution
 * branch or a pull request says about the rules must not hold for itself.
 */
export async function openStorage(
  inputs: StorageInputs,
  { event, log }: Runtime,
  repository?: string,
): Promise<StorageAccess> {
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
  if (configuration === undefined || name !== event.repository) {
    configuration = await loadConfiguration(inputs.config, { ...atDefaultBranch, repository: name }, inputs.token);
  }
  const github = connectGitHub({ token: inputs.token, apiUrl: event.apiUrl, log });
  return { configuration, storage: openStorageRepository(github, name) };
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
