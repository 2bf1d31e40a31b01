import { ActionError } from '../errors.ts';
import type { GitHub } from './connect.ts';
import { isConflict } from './github-error.ts';
import { AnswerReader } from './json-shape.ts';
import { type PullRequest, parsePullRequest, splitRepository } from './pull-request.ts';

const PERMISSION = 'pull-requests: write';

/** A pull request as it shall be opened; both branches are in the repository itself. */
export interface NewPullRequest {
  readonly title: string;
  readonly body: string;
  readonly head: string;
  readonly base: string;
  readonly draft?: boolean;
}

/** Finds the open pull request from one branch of the repository into another one. */
export async function findOpenPullRequest(
  github: GitHub,
  repository: string,
  head: string,
  base: string,
): Promise<PullRequest | undefined> {
  const purpose = { what: `the pull request from ${head} of ${repository}`, permission: 'pull-requests: read' };
  const { owner, repo } = splitRepository(repository);
  const parameters = { owner, repo, state: 'open', base, head: `${owner}:${head}` };
  const [first] = await github.list('/repos/{owner}/{repo}/pulls', parameters, purpose);
  return first === undefined ? undefined : parsePullRequest(first, purpose);
}

/**
 * Opens a pull request; undefined when GitHub refuses it because there is one already, or because the base holds
 * everything that the head brings. https://docs.github.com/rest/pulls/pulls#create-a-pull-request
 */
export async function openPullRequest(
  github: GitHub,
  repository: string,
  pull: NewPullRequest,
): Promise<PullRequest | undefined> {
  const purpose = { what: `a new pull request from ${pull.head} of ${repository}`, permission: PERMISSION };
  const body = { ...splitRepository(repository), ...pull };
  try {
    return parsePullRequest(await github.send('POST', '/repos/{owner}/{repo}/pulls', body, purpose), purpose);
  } catch (error) {
    if (isConflict(error, /already exists|no commits between/i)) return undefined;
    throw error;
  }
}

/** Changes the title, the body or the state of a pull request. */
export async function updatePullRequest(
  github: GitHub,
  repository: string,
  number: number,
  change: { readonly title?: string; readonly body?: string; readonly state?: 'closed' },
): Promise<void> {
  const purpose = { what: `changing pull request #${number} of ${repository}`, permission: PERMISSION };
  const body = { ...splitRepository(repository), pull_number: number, ...change };
  await github.send('PATCH', '/repos/{owner}/{repo}/pulls/{pull_number}', body, purpose);
}

/**
 * Makes a pull request a draft, or ready for review; the REST API cannot.
 * https://docs.github.com/graphql/reference/mutations#convertpullrequesttodraft
 */
export async function setDraft(
  github: GitHub,
  repository: string,
  { number, nodeId }: PullRequest,
  draft: boolean,
): Promise<void> {
  const what = `making pull request #${number} of ${repository} ${draft ? 'a draft' : 'ready for review'}`;
  const mutation = draft ? 'convertPullRequestToDraft' : 'markPullRequestReadyForReview';
  const query = `mutation ($id: ID!) { ${mutation}(input: { pullRequestId: $id }) { pullRequest { isDraft } } }`;
  const purpose = { what, permission: PERMISSION };
  const answer = await github.send('POST', github.graphqlUrl, { query, variables: { id: nodeId } }, purpose);
  const { errors } = new AnswerReader(what).object(answer, 'answer');
  if (!Array.isArray(errors) || errors.length === 0) return;
  const [first]: unknown[] = errors;
  const said = typeof first === 'object' && first !== null && 'message' in first ? String(first.message) : 'an error';
  throw new ActionError('github', `GitHub refuses ${what}: ${said}. Do it by hand.`);
}
