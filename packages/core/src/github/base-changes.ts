import { ActionError } from '../errors.ts';
import type { GitHub } from './connect.ts';
import { AnswerReader } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';

const QUERY = `query ($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      timelineItems(last: 1, itemTypes: [BASE_REF_CHANGED_EVENT, AUTOMATIC_BASE_CHANGE_SUCCEEDED_EVENT]) {
        nodes {
          ... on BaseRefChangedEvent { createdAt }
          ... on AutomaticBaseChangeSucceededEvent { createdAt }
        }
      }
    }
  }
}`;

/**
 * Returns when a pull request was last pointed at another base branch, by somebody or by GitHub when the old one went;
 * undefined when it never was. Its head does not change with that, but the files that it shows do.
 *
 * Asked by GraphQL: REST shows the events to `issues: read` alone, and among all others.
 * https://docs.github.com/graphql/reference/objects#baserefchangedevent
 */
export async function readLastBaseChange(
  github: GitHub,
  repository: string,
  number: number,
): Promise<Date | undefined> {
  const purpose = {
    what: `the history of pull request #${number} of ${repository}`,
    permission: 'pull-requests: read',
  };
  const { owner, repo: name } = splitRepository(repository);
  const read = new AnswerReader(purpose.what);
  const body = { query: QUERY, variables: { owner, name, number } };
  const answer = read.object(await github.send('POST', github.graphqlUrl, body, purpose), 'answer');
  const { errors } = answer;
  if (Array.isArray(errors) && errors.length > 0) {
    const [first]: unknown[] = errors;
    const said = typeof first === 'object' && first !== null && 'message' in first ? String(first.message) : 'an error';
    throw new ActionError('github', `GitHub cannot be asked for ${purpose.what}: ${said}. Run again.`);
  }
  const found = read.object(read.object(answer['data'], 'data')['repository'], 'repository');
  const items = read.object(read.object(found['pullRequest'], 'pullRequest')['timelineItems'], 'timelineItems');
  const last = read.list(items['nodes'], 'nodes').at(-1);
  if (last === undefined) return undefined;
  const at = new Date(read.text(read.object(last, 'event')['createdAt'], 'createdAt'));
  // A change whose time is not known may be the newest thing there is.
  return Number.isNaN(at.getTime()) ? new Date(8.64e15) : at;
}
