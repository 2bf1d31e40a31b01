import { ActionError, ConfigurationError } from '../errors.ts';
import type { GitHub, Purpose } from './connect.ts';
import { AnswerReader } from './json-shape.ts';

/** A pull request as it is now. */
export interface PullRequest {
  readonly number: number;
  readonly title: string;
  /** Empty when it has none. */
  readonly body: string;
  /** The author's login. */
  readonly author: string;
  /** Branch it shall be merged into. */
  readonly baseRef: string;
  readonly headSha: string;
  /** Its id in GraphQL. */
  readonly nodeId: string;
  readonly isDraft: boolean;
}

/** A file that a pull request changes. */
export interface ChangedFile {
  readonly status: 'added' | 'modified' | 'removed' | 'renamed';
  readonly path: string;
  /** Where a renamed file was. */
  readonly previousPath?: string;
  /** Git's id of the content at the head commit; of a removed file, of what it was. Absent where GitHub does not say. */
  readonly id?: string;
}

/** GitHub lists no more files of one pull request; https://docs.github.com/rest/pulls/pulls#list-pull-requests-files. */
const MOST_FILES = 3000;

const PERMISSION = 'pull-requests: read';

/** Reads a pull request; `repository` is `owner/name`. */
export async function readPullRequest(github: GitHub, repository: string, number: number): Promise<PullRequest> {
  const purpose = { what: `pull request #${number} of ${repository}`, permission: PERMISSION };
  const parameters = { ...splitRepository(repository), pull_number: number };
  return parsePullRequest(await github.get('/repos/{owner}/{repo}/pulls/{pull_number}', parameters, purpose), purpose);
}

/** Lists the open pull requests into `baseRef`, or into any branch, the newest first. */
export async function listOpenPullRequests(
  github: GitHub,
  repository: string,
  baseRef?: string,
): Promise<readonly PullRequest[]> {
  const purpose = { what: `the open pull requests of ${repository}`, permission: PERMISSION };
  const parameters = { ...splitRepository(repository), state: 'open', ...(baseRef !== undefined && { base: baseRef }) };
  const answers = await github.list('/repos/{owner}/{repo}/pulls', parameters, purpose);
  return answers.map((answer) => parsePullRequest(answer, purpose));
}

/**
 * Lists the files that a pull request changes, at its head now.
 *
 * Throws a ConfigurationError when it changes more than GitHub lists: what is not listed could not be judged.
 */
export async function listChangedFiles(github: GitHub, repository: string, number: number): Promise<ChangedFile[]> {
  const purpose = { what: `the files of pull request #${number} of ${repository}`, permission: PERMISSION };
  const parameters = { ...splitRepository(repository), pull_number: number };
  const answers = await github.list('/repos/{owner}/{repo}/pulls/{pull_number}/files', parameters, purpose);
  if (answers.length >= MOST_FILES) {
    throw new ConfigurationError(
      'too-many-files',
      `Pull request #${number} changes ${MOST_FILES} files or more, and GitHub lists no more of them. Split it.`,
    );
  }
  return answers.flatMap((answer) => parseChangedFile(answer, purpose));
}

/** Splits `owner/name` for the routes of the API. */
export function splitRepository(repository: string): { owner: string; repo: string } {
  const [owner = '', repo = '', ...rest] = repository.split('/');
  if (owner === '' || repo === '' || rest.length > 0) {
    throw new ConfigurationError('invalid-repository', `'${repository}' is no repository: write owner/name.`);
  }
  return { owner, repo };
}

/** Returns what an answer of GitHub says about a pull request. */
export function parsePullRequest(value: unknown, { what }: Purpose): PullRequest {
  const read = new AnswerReader(what);
  const pull = read.object(value, 'pull request');
  const base = read.object(pull['base'], 'base');
  const head = read.object(pull['head'], 'head');
  // The author of a pull request whose account was deleted is null.
  const user = pull['user'] === null ? { login: 'ghost' } : read.object(pull['user'], 'user');
  return {
    number: read.integer(pull['number'], 'number'),
    title: read.text(pull['title'], 'title'),
    body: read.optionalText(pull['body'], 'body'),
    author: read.text(user['login'], 'user.login'),
    baseRef: read.text(base['ref'], 'base.ref'),
    headSha: read.id(head['sha'], 'head.sha'),
    nodeId: read.text(pull['node_id'], 'node_id'),
    isDraft: pull['draft'] === true,
  };
}

/** What GitHub calls a change, in our words. */
const STATUSES: ReadonlyMap<string, ChangedFile['status']> = new Map([
  ['added', 'added'],
  ['copied', 'added'],
  ['modified', 'modified'],
  ['changed', 'modified'],
  ['removed', 'removed'],
  ['renamed', 'renamed'],
]);

function parseChangedFile(value: unknown, { what }: Purpose): ChangedFile[] {
  const read = new AnswerReader(what);
  const file = read.object(value, 'file');
  const said = read.text(file['status'], 'status');
  if (said === 'unchanged') return [];
  const status = STATUSES.get(said);
  // A change that is not understood must not pass as none.
  if (status === undefined) {
    throw new ActionError('github-answer', `GitHub's answer for ${what} has the status '${said}', which is not known.`);
  }
  const previous = status === 'renamed' ? read.text(file['previous_filename'], 'previous_filename') : undefined;
  return [
    {
      status,
      path: read.text(file['filename'], 'filename'),
      ...(previous !== undefined && { previousPath: previous }),
      ...(file['sha'] !== null && { id: read.id(file['sha'], 'sha') }),
    },
  ];
}
