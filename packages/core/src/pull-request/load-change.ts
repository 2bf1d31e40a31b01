import type { Configuration } from '../configuration/configuration.ts';
import { ActionError, ConfigurationError, messageOf } from '../errors.ts';
import { BlobReader } from '../github/blob-reader.ts';
import { CommitFiles } from '../github/commit-files.ts';
import type { GitHub } from '../github/connect.ts';
import {
  type ChangedFile,
  listChangedFiles,
  listOpenPullRequests,
  type PullRequest,
  readPullRequest,
} from '../github/pull-request.ts';
import { readBranchHead } from '../github/repository.ts';
import type { RepositoryFile, RepositoryFiles } from '../github/repository-files.ts';
import { isWorthReading, type SourceFile } from '../plugin/plugin-file.ts';
import { classifyPath } from '../plugin/plugin-path.ts';
import type { CheckInput, FileChange, OpenPullRequest } from '../plugin/subject.ts';
import type { Log } from '../util/log.ts';
import { mapPooled } from '../util/pool.ts';
import { readOwners } from './owners.ts';

/** What there is to check, without what the caller decides. */
export interface LoadedChange extends Omit<CheckInput, 'scope' | 'images' | 'sourceImages'> {
  /** Why nobody is an owner, where a file that names them cannot be read. */
  readonly ownersProblem?: string;
}

/** Returns the configuration that holds for files at a commit or on disk. */
export type Configure = (files: RepositoryFiles) => Promise<Configuration>;

export interface PullRequestAddress {
  readonly github: GitHub;
  /** `owner/name`. */
  readonly repository: string;
  readonly number: number;
  /** The head commit that is meant; undefined is the head now. */
  readonly headSha: string | undefined;
  /** Whether the other open pull requests are none of the caller's business, which saves requests for each of them. */
  readonly isAlone?: boolean;
}

const PULL_REQUESTS_AT_ONCE = 4;

/** With more open pull requests than these a conflict is seen when the first of the two is merged. */
const MOST_PULL_REQUESTS = 100;

/** Loads all plugins of a commit or a directory as they stand. */
export async function loadRepository(files: RepositoryFiles, configure: Configure): Promise<LoadedChange> {
  const configuration = await configure(files);
  const { directory } = configuration.plugins;
  const base = await readFiles(files, await files.list(directory), directory);
  return { configuration, commit: files.commit, base, changes: [] };
}

/**
 * Loads what a pull request changes, and what it is judged against: the head of its base branch now, and the other open
 * pull requests.
 *
 * What is changed comes from the API, content and modes from git objects at the head commit; nothing is checked out or
 * executed. The configuration is the base's. Throws a ConfigurationError when the head is not the one that is meant.
 */
export async function loadPullRequest(
  address: PullRequestAddress,
  configure: Configure,
  log: Log,
): Promise<LoadedChange> {
  const { github, repository } = address;
  const { pull, changed } = await readAtOneHead(address);
  const baseSha = await readBranchHead(github, repository, pull.baseRef);
  const blobs = new BlobReader(github, repository);
  const baseFiles = new CommitFiles(github, repository, baseSha, blobs);
  const configuration = await configure(baseFiles);
  const { directory } = configuration.plugins;
  log.info(`Pull request #${pull.number} at ${pull.headSha}, judged against ${pull.baseRef} at ${baseSha}.`);
  const base = await readFiles(baseFiles, await baseFiles.list(directory), directory);
  const headFiles = new CommitFiles(github, repository, pull.headSha, blobs);
  const changes = await readChanges(changed, headFiles, directory);
  const { number, title, body, author } = pull;
  const owners = await readOwners(baseFiles, log);
  return {
    configuration,
    commit: pull.headSha,
    base,
    changes,
    pullRequest: { number, title, body, author },
    ...(owners !== undefined && { owners: owners.approvers }),
    ...(owners?.problem !== undefined && { ownersProblem: owners.problem }),
    openPullRequests:
      address.isAlone !== true && changes.some((change) => 'file' in change)
        ? await readOpenPullRequests({ github, repository, blobs, directory, log }, pull)
        : [],
  };
}

/** Reads a pull request and its files again until both are of the same head: somebody may push in between. */
async function readAtOneHead(
  address: PullRequestAddress,
): Promise<{ pull: PullRequest; changed: readonly ChangedFile[] }> {
  const { github, repository, number, headSha } = address;
  let pull = await readPullRequest(github, repository, number);
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    if (headSha !== undefined && pull.headSha !== headSha) {
      throw new ConfigurationError(
        'head-moved',
        `Pull request #${number} is at ${pull.headSha} by now, not at ${headSha}: it was pushed to. ` +
          'The run for the new commit says whether that is valid.',
      );
    }
    const changed = await listChangedFiles(github, repository, number);
    const again = await readPullRequest(github, repository, number);
    if (again.headSha === pull.headSha) return { pull: again, changed };
    pull = again;
  }
  throw new ActionError(
    'head-moves',
    `Pull request #${number} is pushed to all the time. Run again when that is over.`,
  );
}

async function readFiles(
  files: RepositoryFiles,
  listed: readonly RepositoryFile[],
  directory: string,
): Promise<readonly SourceFile[]> {
  const wanted = listed.filter((file) => isWorthReading(file, directory));
  const contents = await files.readMany(wanted);
  const byPath = new Map(wanted.map(({ path }, index) => [path, contents[index]]));
  return listed.map((file) => {
    const bytes = byPath.get(file.path);
    return bytes === undefined ? file : { ...file, bytes };
  });
}

/** Adds content and mode to the changes inside of the directory. */
async function readChanges(
  changed: readonly ChangedFile[],
  headFiles: RepositoryFiles,
  directory: string,
): Promise<readonly FileChange[]> {
  const wanted = changed.filter(({ status, path }) => status !== 'removed' && path.startsWith(`${directory}/`));
  const listed = wanted.length === 0 ? [] : await headFiles.list(directory);
  const paths = new Set(wanted.map(({ path }) => path));
  const read = await readFiles(
    headFiles,
    listed.filter(({ path }) => paths.has(path)),
    directory,
  );
  const byPath = new Map(read.map((file) => [file.path, file]));
  return changed.map(({ status, path, previousPath, id }): FileChange => {
    if (status === 'removed') return { status, path };
    const change = { status, path, ...(previousPath !== undefined && { previousPath }) };
    if (!paths.has(path)) return change;
    const file = byPath.get(path);
    if (file !== undefined && (id === undefined || file.id === id)) return { ...change, file };
    throw new ActionError(
      'inconsistent-answers',
      `GitHub lists ${path} among the changes with the id ${id ?? '(none)'}, but ${headFiles.commit} does not hold that. Run again.`,
    );
  });
}

interface Surroundings {
  readonly github: GitHub;
  readonly repository: string;
  readonly blobs: BlobReader;
  readonly directory: string;
  readonly log: Log;
}

/** Reads the plugin files of the other open pull requests; one that cannot be read only costs a warning in the log. */
async function readOpenPullRequests(around: Surroundings, own: PullRequest): Promise<readonly OpenPullRequest[]> {
  const open = await listOpenPullRequests(around.github, around.repository, own.baseRef);
  const others = open.filter(({ number }) => number !== own.number);
  if (others.length > MOST_PULL_REQUESTS) {
    around.log.warning(`Only the newest ${MOST_PULL_REQUESTS} of ${others.length} open pull requests are looked at.`);
  }
  const read = await mapPooled(others.slice(0, MOST_PULL_REQUESTS), PULL_REQUESTS_AT_ONCE, async (other) => {
    try {
      return [await readOpenPullRequest(around, other)];
    } catch (error) {
      if (!(error instanceof ActionError || error instanceof ConfigurationError)) throw error;
      around.log.warning(`Pull request #${other.number} is not looked at: ${messageOf(error)}`);
      return [];
    }
  });
  return read.flat();
}

async function readOpenPullRequest(around: Surroundings, other: PullRequest): Promise<OpenPullRequest> {
  const { github, repository, blobs, directory } = around;
  const changed = await listChangedFiles(github, repository, other.number);
  const paths = new Set(
    changed
      .filter(({ status, path }) => status !== 'removed' && classifyPath(path, directory).kind === 'plugin')
      .map(({ path }) => path),
  );
  if (paths.size === 0) return { number: other.number, files: [] };
  const files = new CommitFiles(github, repository, other.headSha, blobs);
  const listed = (await files.list(directory)).filter(({ path }) => paths.has(path));
  return { number: other.number, files: await readFiles(files, listed, directory) };
}
