import type { Runtime } from '@slipway/core/action/action';
import { isPathOnDisk, loadConfiguration } from '@slipway/core/action/configuration';
import { parseConfiguration } from '@slipway/core/configuration/configuration';
import { ConfigurationError } from '@slipway/core/errors';
import { BlobReader } from '@slipway/core/github/blob-reader';
import { CommitFiles } from '@slipway/core/github/commit-files';
import { connectGitHub } from '@slipway/core/github/connect';
import { DirectoryFiles } from '@slipway/core/github/directory-files';
import { readBranchHead, readDefaultBranch } from '@slipway/core/github/repository';
import type { CheckInput } from '@slipway/core/plugin/subject';
import {
  type Configure,
  type LoadedChange,
  loadPullRequest,
  loadRepository,
} from '@slipway/core/pull-request/load-change';
import type { Inputs } from './inputs.ts';

/**
 * Loads what the inputs name: a directory on disk, a pull request, or a whole repository at a commit.
 *
 * Without a pull request there is nothing to compare with, so everything is judged.
 */
export async function load(inputs: Inputs, runtime: Runtime): Promise<Omit<CheckInput, 'sourceImages'>> {
  const { number, change } = await loadChange(inputs, runtime);
  return {
    ...change,
    ...(inputs.images !== undefined && { images: inputs.images }),
    scope: inputs.all || number === undefined ? 'all' : 'changed',
  };
}

async function loadChange(
  inputs: Inputs,
  runtime: Runtime,
): Promise<{ number: number | undefined; change: LoadedChange }> {
  const { event, log } = runtime;
  const configure: Configure = async (files) => {
    if (isPathOnDisk(inputs.config)) return loadConfiguration(inputs.config, event, inputs.token);
    return parseConfiguration((await files.find(inputs.config))?.toString('utf8'), inputs.config);
  };
  if (inputs.directory !== undefined) {
    if (inputs['pull-request'] !== undefined || inputs.commit !== undefined) {
      throw new ConfigurationError(
        'conflicting-inputs',
        "input 'directory' is checked as it stands on disk; it goes with neither 'pull-request' nor 'commit'.",
      );
    }
    return { number: undefined, change: await loadRepository(new DirectoryFiles(inputs.directory), configure) };
  }
  const { repository } = event;
  if (repository === undefined) {
    throw new ConfigurationError(
      'missing-repository',
      "There is nothing to check: give input 'directory', or set GITHUB_REPOSITORY to owner/name.",
    );
  }
  const github = connectGitHub({ token: inputs.token, apiUrl: event.apiUrl, graphqlUrl: event.graphqlUrl, log });
  const number = inputs['pull-request'] ?? event.pullRequest?.number;
  if (number !== undefined) {
    const ofEvent = event.pullRequest?.number === number ? event.pullRequest.headSha : undefined;
    const headSha = inputs.commit ?? ofEvent;
    return { number, change: await loadPullRequest({ github, repository, number, headSha }, configure, log) };
  }
  const commit =
    inputs.commit ??
    event.sha ??
    (await readBranchHead(github, repository, event.defaultBranch ?? (await readDefaultBranch(github, repository))));
  const files = new CommitFiles(github, repository, commit, new BlobReader(github, repository));
  return { number, change: await loadRepository(files, configure) };
}
