import { ActionError } from '../errors.ts';
import type { GitHub } from './connect.ts';
import { AnswerReader } from './json-shape.ts';

/**
 * Returns the login that a token acts as: a user's, `<slug>[bot]` of an App, `github-actions[bot]` of a job.
 *
 * Asked by GraphQL, because the REST API tells a user's token only. https://docs.github.com/graphql/reference/queries#viewer
 */
export async function readViewer(github: GitHub): Promise<string> {
  const purpose = { what: 'the owner of the token', permission: 'metadata: read' };
  const read = new AnswerReader(purpose.what);
  const answer = await github.send('POST', github.graphqlUrl, { query: '{ viewer { login } }' }, purpose);
  const { data } = read.object(answer, 'answer');
  if (data === null || data === undefined) {
    throw new ActionError('github-answer', 'GitHub does not say whose token this is. Give a GitHub App, or run again.');
  }
  return read.text(read.object(read.object(data, 'data')['viewer'], 'viewer')['login'], 'viewer.login');
}
