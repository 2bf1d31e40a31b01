import type { Runtime } from '@slipway/core/action/action';
import { isPathOnDisk, loadConfiguration } from '@slipway/core/action/configuration';
import { openGitHub } from '@slipway/core/action/github-access';
import { type Configuration, parseConfiguration } from '@slipway/core/configuration/configuration';
import { ConfigurationError } from '@slipway/core/errors';
import type { AppPermissions } from '@slipway/core/github/app-token';
import { BlobReader } from '@slipway/core/github/blob-reader';
import { CommitFiles } from '@slipway/core/github/commit-files';
import type { GitHub } from '@slipway/core/github/connect';
import { readBranchHead, readDefaultBranch } from '@slipway/core/github/repository';
import type { RepositoryFiles } from '@slipway/core/github/repository-files';
import { readViewer } from '@slipway/core/github/viewer';
import { readOwners } from '@slipway/core/pull-request/owners';
import { Doings } from './doings.ts';
import type { Inputs } from './inputs.ts';

/** What every step of a mode works with. */
export interface Context {
  readonly github: GitHub;
  /** `owner/name`. */
  readonly repository: string;
  /** The login that we write as, or the id of our App where nothing is written: what others wrote is never taken for ours. */
  readonly self: string;
  readonly inputs: Inputs;
  readonly runtime: Runtime;
  readonly doings: Doings;
}

/** What a mode that comments, labels and keeps the record may do. */
export const WRITER: AppPermissions = {
  contents: 'read',
  pull_requests: 'write',
  issues: 'write',
  checks: 'write',
};

/** What a mode that only looks may do. */
export const READER: AppPermissions = { contents: 'read', pull_requests: 'read', checks: 'read' };

export async function openContext(permissions: AppPermissions, inputs: Inputs, runtime: Runtime): Promise<Context> {
  const { repository } = runtime.event;
  if (repository === undefined) {
    throw new ConfigurationError('missing-repository', 'There is no repository: set GITHUB_REPOSITORY to owner/name.');
  }
  const { github, login } = await openGitHub(repository, permissions, inputs, runtime);
  const self = login ?? inputs['app-id'] ?? (await readViewer(github));
  return { github, repository, self, inputs, runtime, doings: new Doings(inputs['dry-run'], runtime.log) };
}

/** Returns the configuration that holds for files at a commit: their own, unless one on disk was asked for. */
export async function configure(files: RepositoryFiles, { inputs, runtime }: Context): Promise<Configuration> {
  const { config, token } = inputs;
  if (isPathOnDisk(config)) return loadConfiguration(config, runtime.event, token);
  return parseConfiguration((await files.find(config))?.toString('utf8'), config);
}

/** What the base branch says about who decides, and how. */
export interface Base {
  readonly configuration: Configuration;
  /** Logins, in lower case; undefined when the base has no OWNERS file. */
  readonly owners: readonly string[] | undefined;
  /** Why nobody is an owner, where a file that names them cannot be read. */
  readonly ownersProblem: string | undefined;
}

/** Reads it at the head of the base branch now: what a pull request says about it must not hold for itself. */
export async function readBase(context: Context, branch: string): Promise<Base> {
  const { github, repository, runtime } = context;
  const commit = await readBranchHead(github, repository, branch);
  const files = new CommitFiles(github, repository, commit, new BlobReader(github, repository));
  const owners = await readOwners(files, runtime.log);
  const configuration = await configure(files, context);
  return { configuration, owners: owners?.approvers, ownersProblem: owners?.problem };
}

/**
 * Says why a pull request into `branch` is none that releases; undefined when it is. Whoever can make a branch could put
 * owners and a configuration of their own there, so only what the default branch says counts.
 */
export async function complainAboutBase(context: Context, branch: string): Promise<string | undefined> {
  const name = await readDefault(context);
  if (branch === name) return undefined;
  return `The pull request goes into ${branch}. Only one into the default branch, ${name}, releases something.`;
}

/** Returns the name of the default branch, from the event where that says it. */
export async function readDefault({ github, repository, runtime }: Context): Promise<string> {
  return runtime.event.defaultBranch ?? (await readDefaultBranch(github, repository));
}

/** Returns an input that the mode cannot do without. */
export function need<N extends 'pull-request' | 'commit' | 'plugins'>(inputs: Inputs, name: N): NonNullable<Inputs[N]> {
  const value = inputs[name];
  if (value !== undefined) return value;
  throw new ConfigurationError('missing-input', `input '${name}' is required with mode: ${inputs.mode}.`);
}
