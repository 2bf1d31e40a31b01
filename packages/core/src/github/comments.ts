import { ConfigurationError } from '../errors.ts';
import type { GitHub } from './connect.ts';
import { AnswerReader } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';

/** A comment in the conversation of a pull request, as it is now. */
export interface Comment {
  readonly id: number;
  /** Login; `ghost` when the account was deleted. */
  readonly author: string;
  readonly isBot: boolean;
  readonly body: string;
  /** Whether anybody has changed it since it was written, as far as GitHub's clock of whole seconds can tell. */
  readonly isEdited: boolean;
}

/** GitHub takes no longer comment, in characters. */
export const COMMENT_LIMIT = 65_536;

/** Reads a comment; undefined when it was deleted. https://docs.github.com/rest/issues/comments#get-an-issue-comment */
export async function findComment(github: GitHub, repository: string, id: number): Promise<Comment | undefined> {
  const purpose = { what: `the comment ${id} of ${repository}`, permission: 'pull-requests: read' };
  const parameters = { ...splitRepository(repository), comment_id: id };
  try {
    const answer = await github.get('/repos/{owner}/{repo}/issues/comments/{comment_id}', parameters, purpose);
    return parseComment(answer, new AnswerReader(purpose.what));
  } catch (error) {
    if (error instanceof ConfigurationError && error.code === 'github-not-found') return undefined;
    throw error;
  }
}

/** Lists all comments of a pull request, the oldest first. */
export async function listComments(github: GitHub, repository: string, number: number): Promise<Comment[]> {
  const purpose = {
    what: `the comments of pull request #${number} of ${repository}`,
    permission: 'pull-requests: read',
  };
  const parameters = { ...splitRepository(repository), issue_number: number };
  const answers = await github.list('/repos/{owner}/{repo}/issues/{issue_number}/comments', parameters, purpose);
  const read = new AnswerReader(purpose.what);
  return answers.map((answer) => parseComment(answer, read)).sort((a, b) => a.id - b.id);
}

/** Writes a comment and returns its id. */
export async function createComment(github: GitHub, repository: string, number: number, body: string): Promise<number> {
  const purpose = { what: `a comment on #${number} of ${repository}`, permission: 'pull-requests: write' };
  const route = '/repos/{owner}/{repo}/issues/{issue_number}/comments';
  const answer = await github.send(
    'POST',
    route,
    { ...splitRepository(repository), issue_number: number, body },
    purpose,
  );
  const read = new AnswerReader(purpose.what);
  return read.integer(read.object(answer, 'comment')['id'], 'id');
}

/** Replaces the text of a comment. */
export async function updateComment(github: GitHub, repository: string, id: number, body: string): Promise<void> {
  const purpose = { what: `the comment ${id} of ${repository}`, permission: 'pull-requests: write' };
  const route = '/repos/{owner}/{repo}/issues/comments/{comment_id}';
  await github.send('PATCH', route, { ...splitRepository(repository), comment_id: id, body }, purpose);
}

function parseComment(value: unknown, read: AnswerReader): Comment {
  const comment = read.object(value, 'comment');
  const user = comment['user'] === null ? { login: 'ghost', type: 'User' } : read.object(comment['user'], 'user');
  const createdAt = read.text(comment['created_at'], 'created_at');
  return {
    id: read.integer(comment['id'], 'id'),
    author: read.text(user['login'], 'user.login'),
    isBot: read.text(user['type'], 'user.type') === 'Bot',
    body: read.optionalText(comment['body'], 'body'),
    isEdited: read.text(comment['updated_at'], 'updated_at') !== createdAt,
  };
}
