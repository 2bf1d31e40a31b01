import type { Runtime } from '@slipway/core/action/action';
import { isPathOnDisk, loadConfiguration } from '@slipway/core/action/configuration';
import { type Configuration, parseConfiguration } from '@slipway/core/configuration/configuration';
import { ConfigurationError } from '@slipway/core/errors';
import { BlobReader } from '@slipway/core/github/blob-reader';
import { CommitFiles } from '@slipway/core/github/commit-files';
import { connectGitHub, type GitHub } from '@slipway/core/github/connect';
import { readBranchHead, readDefaultBranch } from '@slipway/core/github/repository';
import type { Inputs } from '../inputs.ts';

/** A repository whose configuration could be read, with everything that checks look at. */
export interface Examined {
  readonly inputs: Inputs;
  readonly runtime: Runtime;
  /** `owner/name`. */
  readonly repository: string;
  readonly defaultBranch: string;
  /** Reads with the job's own token. */
  readonly github: GitHub;
  /** The head of the default branch. */
  readonly files: CommitFiles;
  readonly configuration: Configuration;
  /** Whether there is a configuration at all. */
  readonly isConfigured: boolean;
  /** Whether plugins are released from here. */
  readonly isRelease: boolean;
  /** Whether distributions are kept here. */
  readonly isStorage: boolean;
}

/** Opens the repository of the job; throws a ConfigurationError when there is none, or its configuration cannot be read. */
export async function examine(inputs: Inputs, runtime: Runtime): Promise<Examined> {
  const { event, log } = runtime;
  const { repository } = event;
  if (repository === undefined) {
    throw new ConfigurationError(
      'missing-repository',
      'There is no repository to examine: set GITHUB_REPOSITORY to owner/name.',
    );
  }
  const github = connectGitHub({ token: inputs.token, apiUrl: event.apiUrl, graphqlUrl: event.graphqlUrl, log });
  const defaultBranch = event.defaultBranch ?? (await readDefaultBranch(github, repository));
  const head = await readBranchHead(github, repository, defaultBranch);
  const files = new CommitFiles(github, repository, head, new BlobReader(github, repository));
  const onDisk = isPathOnDisk(inputs.config);
  const bytes = onDisk ? undefined : await files.find(inputs.config);
  const configuration = onDisk
    ? await loadConfiguration(inputs.config, event, inputs.token)
    : parseConfiguration(bytes?.toString('utf8'), inputs.config);
  const { plugins, storage } = configuration;
  const hasPlugins = [plugins.source, plugins.target, plugins.upload, plugins.team].some((each) => each !== undefined);
  const hasStorage = [storage.image, storage.rollout.namespace, storage.rollout.deployment].some(
    (each) => each !== undefined,
  );
  return {
    inputs,
    runtime,
    repository,
    defaultBranch,
    github,
    files,
    configuration,
    isConfigured: onDisk || bytes !== undefined,
    isRelease: hasPlugins || (await files.list(plugins.directory)).length > 0,
    isStorage: hasStorage && (storage.repository === undefined || storage.repository === repository),
  };
}
