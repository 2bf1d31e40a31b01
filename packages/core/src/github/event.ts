import { readFileSync } from 'node:fs';
import { ConfigurationError, messageOf } from '../errors.ts';
import { graphqlUrlOf } from './graphql-url.ts';
import type { JsonObject } from './json-shape.ts';

/** What the runner tells about the event that started the job; https://docs.github.com/actions/reference/workflows-and-actions/variables. */
export interface EventContext {
  /** `pull_request`, `workflow_dispatch`, …; empty outside a workflow. */
  readonly name: string;
  /** `owner/name`; undefined outside a workflow. */
  readonly repository: string | undefined;
  /** The default branch, when the event's payload says it. */
  readonly defaultBranch: string | undefined;
  readonly sha: string | undefined;
  /** What the event is about, `refs/heads/main`; undefined outside a workflow. */
  readonly ref: string | undefined;
  /** Login of whoever caused the event, in GitHub's own words; undefined outside a workflow. */
  readonly actor: string | undefined;
  /** The run of a workflow that the job belongs to; undefined outside a workflow. */
  readonly run: WorkflowRun | undefined;
  /** The event's payload as GitHub sent it: data from outside. */
  readonly payload: JsonObject;
  readonly pullRequest: EventPullRequest | undefined;
  /** REST endpoint, `https://api.github.com` unless the runner says otherwise. */
  readonly apiUrl: string;
  /** GraphQL endpoint of the same server; absent: the one beside `apiUrl`. */
  readonly graphqlUrl?: string;
  readonly serverUrl: string;
}

/** One run of a workflow file. */
export interface WorkflowRun {
  readonly id: number;
  /** Counts from 1; a re-run is the next one. */
  readonly attempt: number;
  /** `owner/name/.github/workflows/file.yml@ref` of the caller's file, whichever reusable workflow the job is in. */
  readonly workflow: string;
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
    ref: env['GITHUB_REF'] || undefined,
    actor: env['GITHUB_TRIGGERING_ACTOR'] || env['GITHUB_ACTOR'] || undefined,
    run: readRun(env),
    payload,
    pullRequest: readPullRequest(payload),
    apiUrl,
    graphqlUrl: graphqlUrlOf(apiUrl, env['GITHUB_GRAPHQL_URL']),
    serverUrl: env['GITHUB_SERVER_URL'] || 'https://github.com',
  };
}

function readRun(env: NodeJS.ProcessEnv): WorkflowRun | undefined {
  const id = Number(env['GITHUB_RUN_ID'] || undefined);
  if (!Number.isSafeInteger(id)) return undefined;
  return { id, attempt: Number(env['GITHUB_RUN_ATTEMPT'] || 1), workflow: env['GITHUB_WORKFLOW_REF'] ?? '' };
}

function readPayload(path: string | undefined): JsonObject {
  if (path === undefined || path === '') return {};
  try {
    return record(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new ConfigurationError('invalid-event', `GITHUB_EVENT_PATH: cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function readPullRequest(payload: JsonObject): EventPullRequest | undefined {
  const pull = record(payload['pull_request']);
  const base = record(pull['base']);
  const head = record(pull['head']);
  const { number } = pull;
  const [baseRef, baseSha, headSha] = [base['ref'], base['sha'], head['sha']];
  if (typeof number !== 'number' || typeof baseRef !== 'string') return undefined;
  if (typeof baseSha !== 'string' || typeof headSha !== 'string') return undefined;
  return { number, baseRef, baseSha, headSha };
}

function record(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
}
