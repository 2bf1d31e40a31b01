import { GitHub as Octokit } from '@actions/github/lib/utils';
import { ActionError, ConfigurationError, messageOf } from '../errors.ts';
import type { Log } from '../util/log.ts';
import { silentLog } from '../util/log.ts';
import { parseRetryAfter, RetryBudget, type Verdict } from '../util/retry.ts';
import { GitHubError } from './github-error.ts';
import { graphqlUrlOf } from './graphql-url.ts';

export interface GitHubOptions {
  /** Undefined asks without one, which public repositories allow. */
  readonly token: string | undefined;
  /** REST endpoint, without a slash at its end: `https://api.github.com`. */
  readonly apiUrl: string;
  /** GraphQL endpoint; default the one beside `apiUrl`. */
  readonly graphqlUrl?: string | undefined;
  readonly log?: Log;
  /** Shared by everything that talks to this server. */
  readonly budget?: RetryBudget;
}

/** What a question is for; errors say it. */
export interface Purpose {
  /** As in "cannot read <what>". */
  readonly what: string;
  /** The permission the token needs, as workflows write it: `pull-requests: read`. */
  readonly permission: string;
}

/** A GitHub server, asked through its REST API with one token. */
export interface GitHub {
  /** Where `send` posts a GraphQL query to. */
  readonly graphqlUrl: string;
  /** Returns the answer to a GET; the parameters fill the route's braces, the rest goes into the query. */
  get(route: string, parameters: Parameters, purpose: Purpose): Promise<unknown>;
  /**
   * Sends a change and returns the answer, undefined where there is none. A change that GitHub may have made although its
   * answer was lost is tried again all the same: what we write is named by its content, or found again before it is made.
   */
  send(method: 'POST' | 'PATCH' | 'PUT' | 'DELETE', route: string, body: Body, purpose: Purpose): Promise<unknown>;
  /** Returns the items of all pages of a list. */
  list(route: string, parameters: Parameters, purpose: Purpose): Promise<readonly unknown[]>;
}

export type Parameters = Readonly<Record<string, string | number>>;

/** What fills the route's braces, and what is sent as JSON. */
export type Body = Readonly<Record<string, unknown>>;

/** GitHub's largest page. */
const PAGE = 100;

/**
 * Connects to a GitHub server; nothing is sent until something is asked.
 *
 * Passing failures are tried again within one budget: lost connections, cut answers, 5xx, 429 and secondary rate limits,
 * whose Retry-After is obeyed. What the user can mend becomes a ConfigurationError that names the missing permission.
 * https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
 */
export function connectGitHub(options: GitHubOptions): GitHub {
  const { token, apiUrl, log = silentLog, budget = new RetryBudget() } = options;
  const octokit = new Octokit({
    baseUrl: apiUrl,
    userAgent: 'slipway',
    ...(token !== undefined && { auth: token }),
    log: { debug: () => undefined, info: () => undefined, warn: log.warning, error: log.warning },
  });

  const ask = async (route: string, parameters: Body, purpose: Purpose): Promise<Answer> => {
    const attempt = async (): Promise<Answer> => {
      const { data, headers, status } = await octokit.request(route, parameters);
      if (status === 204) return { data: undefined, hasNext: false };
      // A body that ends too early comes back as the text that was there.
      if (typeof data !== 'object' || data === null) throw new CutAnswerError();
      return { data, hasNext: /\brel="?next\b/.test(headers.link ?? '') };
    };
    const onRetry = (error: unknown, pause: number): void =>
      log.info(`GitHub: ${purpose.what}: ${messageOf(error)}; trying again in ${Math.ceil(pause / 1000)} s`);
    try {
      return await budget.run(attempt, { judge: judgeFailure, onRetry });
    } catch (error) {
      throw explainFailure(error, purpose);
    }
  };

  return {
    graphqlUrl: graphqlUrlOf(apiUrl, options.graphqlUrl),
    get: async (route, parameters, purpose) => (await ask(`GET ${route}`, parameters, purpose)).data,
    send: async (method, route, body, purpose) => (await ask(`${method} ${route}`, body, purpose)).data,
    list: async (route, parameters, purpose) => {
      const items: unknown[] = [];
      for (let page = 1; ; page += 1) {
        const { data, hasNext } = await ask(`GET ${route}`, { ...parameters, per_page: PAGE, page }, purpose);
        if (!Array.isArray(data))
          throw new ActionError('github-answer', `GitHub's answer for ${purpose.what} is no list.`);
        items.push(...data);
        if (!hasNext) return items;
      }
    },
  };
}

interface Answer {
  readonly data: unknown;
  readonly hasNext: boolean;
}

class CutAnswerError extends Error {
  override readonly name = 'CutAnswerError';

  constructor() {
    super('the answer ended too early');
  }
}

/** A refusal as octokit throws it; a lost connection has the status 500 and a cause. */
interface Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
}

function asRefusal(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined;
  const response =
    'response' in error ? (error.response as { headers?: Record<string, unknown> } | undefined) : undefined;
  return Object.assign(error, { status: error.status, headers: response?.headers ?? {} });
}

function judgeFailure(error: unknown): Verdict {
  if (error instanceof CutAnswerError) return {};
  const refusal = asRefusal(error);
  if (refusal === undefined) return false;
  const after = askedPause(refusal);
  if (isRateLimit(refusal)) return { after: after ?? 60_000 };
  return refusal.status >= 500 && (after === undefined ? {} : { after });
}

/** https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit */
function isRateLimit({ status, headers, message }: Refusal): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  return (
    headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0' || /rate limit/i.test(message)
  );
}

/** Returns for how many milliseconds GitHub wants to be left alone, when it says so. */
function askedPause({ headers }: Refusal): number | undefined {
  const { 'retry-after': after, 'x-ratelimit-remaining': remaining, 'x-ratelimit-reset': reset } = headers;
  if (typeof after === 'string') return parseRetryAfter(after);
  if (remaining !== '0' || typeof reset !== 'string' || !/^[0-9]+$/.test(reset)) return undefined;
  return Math.max(0, Number(reset) * 1000 - Date.now());
}

function explainFailure(error: unknown, { what, permission }: Purpose): unknown {
  const refusal = asRefusal(error);
  if (refusal === undefined && !(error instanceof CutAnswerError)) return error;
  const said = `GitHub cannot be asked for ${what}: ${messageOf(error)}`;
  const options = { cause: error };
  if (refusal === undefined) return new ActionError('github', `${said}. Run again.`, options);
  if (isRateLimit(refusal)) {
    return new ActionError(
      'github-rate-limit',
      `${said}. The token's rate limit is used up: run again later.`,
      options,
    );
  }
  switch (refusal.status) {
    case 401:
      return new ConfigurationError(
        'github-unauthorized',
        `${said}. Give a token that is valid as input 'token'.`,
        options,
      );
    case 403:
    case 404: {
      if (/not permitted to create or approve pull requests/i.test(refusal.message)) {
        return new ConfigurationError(
          'actions-pull-requests',
          `${said}. Allow it in Settings → Actions → General → Workflow permissions → Allow GitHub Actions to create ` +
            'and approve pull requests; where the organisation forbids that, there as well. Or give a GitHub App.',
          options,
        );
      }
      const code = refusal.status === 403 ? 'github-forbidden' : 'github-not-found';
      const either = refusal.status === 403 ? '' : 'It does not exist, or the token may not see it. ';
      return new ConfigurationError(
        code,
        `${said}. ${either}The token needs the permission '${permission}' on this repository; add to the job:\n\n` +
          `permissions:\n  ${permission}\n`,
        options,
      );
    }
    default:
      return new GitHubError(`${said} (${refusal.status}).`, refusal.status, options);
  }
}
