import { readFileSync } from 'node:fs';
import { ConfigurationError, messageOf } from '../errors.ts';
import { graphqlUrlOf } from './graphql-url.ts';

/** What the runner tells about the event that started the job; https://docs.github.com/actions/reference/workflows-and-actions/variables. */
export interface EventContext {
  /** `pull_request`, `workflow_dispatch`, …; empty outside a workflow. */
  readonly name: string;
  /** `owner/name`; undefined outside a workflow. */
  readonly repository: string | undefined;
  /** The default branch, when the event's payload says it. */
  readonly defaultBranch: string | undefined;
  readonly sha: string | undefined;
  readonly pullRequest: EventPullRequest | undefined;
  /** REST endpoint, `https://api.github.com` unless the runner says otherwise. */
  readonly apiUrl: string;
  /** GraphQL endpoint of the same server; absent: the one beside `apiUrl`. */
  readonly graphqlUrl?: string;
  readonly serverUrl: string;
}

export interface EventPullRequest {
  readonly number: number;
  readonly baseRef: string;
  readonly baseSha: string;
  readonly headSha: string;
}

/** Reads the event from the environment the runner sets; nothing in the payload is trusted to have its type. */
export function readEvent(env: NodeJS.ProcessEnv): EventContext {
  const payload = readPayload(env['GITHUB_EVENT_PATH']);
  const repository = record(payload['repository']);
  const apiUrl = env['GITHUB_API_URL'] || 'https://api.github.com';
  return {
    name: env['GITHUB_EVENT_NAME'] ?? '',
    repository: env['GITHUB_REPOSITORY'] || undefined,
    defaultBranch: typeof repository['default_branch'] === 'string' ? repository['default_branch'] : undefined,
    sha: env['GITHUB_SHA'] || undefined,
    pullRequest: readPullRequest(payload),
    apiUrl,
    graphqlUrl: graphqlUrlOf(apiUrl, env['GITHUB_GRAPHQL_URL']),
    serverUrl: env['GITHUB_SERVER_URL'] || 'https://github.com',
  };
}

function readPayload(path: string | undefined): Record<string, unknown> {
  if (path === undefined || path === '') return {};
  try {
    return record(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new ConfigurationError('invalid-event', `GITHUB_EVENT_PATH: cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function readPullRequest(payload: Record<string, unknown>): EventPullRequest | undefined {
  const pull = record(payload['pull_request']);
  const base = record(pull['base']);
  const head = record(pull['head']);
  const { number } = pull;
  const [baseRef, baseSha, headSha] = [base['ref'], base['sha'], head['sha']];
  if (typeof number !== 'number' || typeof baseRef !== 'string') return undefined;
  if (typeof baseSha !== 'string' || typeof headSha !== 'string') return undefined;
  return { number, baseRef, baseSha, headSha };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
