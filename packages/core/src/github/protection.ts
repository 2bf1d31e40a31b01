import { ConfigurationError } from '../errors.ts';
import type { GitHub } from './connect.ts';
import { AnswerReader, type JsonObject } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';
import { readBranch } from './repository.ts';

/** A check without which nothing is merged. */
export interface RequiredCheck {
  readonly name: string;
  /** The App that must have written it; undefined takes anybody's. */
  readonly app: number | undefined;
}

/** What a merge into a branch needs, by protection and rulesets together. */
export interface Protection {
  readonly checks: readonly RequiredCheck[];
  /** Approving reviews. */
  readonly reviews: number;
  /** Whether a push makes an earlier approval worthless. */
  readonly dismissesStale: boolean;
  /** Whether all of it could be read: the branch's protection is shown to administrators only, rulesets to everyone. */
  readonly isWhole: boolean;
}

const NOTHING: Protection = { checks: [], reviews: 0, dismissesStale: false, isWhole: true };

/** Reads what a merge into `branch` needs; what the token may not see is left out, and said. */
export async function readProtection(github: GitHub, repository: string, branch: string): Promise<Protection> {
  const [rules, protection] = await Promise.all([
    readRules(github, repository, branch),
    readBranchProtection(github, repository, branch),
  ]);
  return {
    checks: [...rules.checks, ...protection.checks],
    reviews: Math.max(rules.reviews, protection.reviews),
    dismissesStale: rules.dismissesStale || protection.dismissesStale,
    isWhole: protection.isWhole,
  };
}

/** https://docs.github.com/rest/repos/rules#get-rules-for-a-branch */
async function readRules(github: GitHub, repository: string, branch: string): Promise<Protection> {
  const purpose = { what: `the rules of the branch ${branch} of ${repository}`, permission: 'metadata: read' };
  const read = new AnswerReader(purpose.what);
  const parameters = { ...splitRepository(repository), branch };
  const answers = await github.list('/repos/{owner}/{repo}/rules/branches/{branch}', parameters, purpose);
  const rules = answers.map((answer) => read.object(answer, 'rule'));
  const ofType = (type: string): JsonObject[] =>
    rules.filter((rule) => rule['type'] === type).map((rule) => read.object(rule['parameters'] ?? {}, 'parameters'));
  const pulls = ofType('pull_request');
  return {
    checks: ofType('required_status_checks').flatMap((parameters) =>
      listChecks(parameters['required_status_checks'], 'integration_id', read),
    ),
    reviews: Math.max(0, ...pulls.map((pull) => countOf(pull['required_approving_review_count']))),
    dismissesStale: pulls.some((pull) => pull['dismiss_stale_reviews_on_push'] === true),
    isWhole: true,
  };
}

/** https://docs.github.com/rest/branches/branch-protection#get-branch-protection */
async function readBranchProtection(github: GitHub, repository: string, branch: string): Promise<Protection> {
  const purpose = {
    what: `the protection of the branch ${branch} of ${repository}`,
    permission: 'administration: read',
  };
  const read = new AnswerReader(purpose.what);
  const parameters = { ...splitRepository(repository), branch };
  try {
    const answer = await github.get('/repos/{owner}/{repo}/branches/{branch}/protection', parameters, purpose);
    const protection = read.object(answer, 'protection');
    const required = read.object(protection['required_status_checks'] ?? {}, 'required_status_checks');
    const reviews = read.object(protection['required_pull_request_reviews'] ?? {}, 'required_pull_request_reviews');
    return {
      checks: listChecks(required['checks'] ?? [], 'app_id', read),
      reviews: countOf(reviews['required_approving_review_count']),
      dismissesStale: reviews['dismiss_stale_reviews'] === true,
      isWhole: true,
    };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    if (/branch not protected/i.test(error.message)) return NOTHING;
    // The token may not see it; the branch itself tells a part.
    return readShownProtection(github, repository, branch);
  }
}

/**
 * Reads what a branch shows of its protection to everyone: that there is one, and the checks it requires.
 *
 * https://docs.github.com/rest/branches/branches#get-a-branch
 */
async function readShownProtection(github: GitHub, repository: string, branch: string): Promise<Protection> {
  const { answer, read } = await readBranch(github, repository, branch);
  const protection = read.object(answer['protection'] ?? {}, 'protection');
  // A branch is called protected for its rulesets as well, and those were read.
  if (answer['protected'] !== true || protection['enabled'] === false) return NOTHING;
  const required = read.object(protection['required_status_checks'] ?? {}, 'required_status_checks');
  return { ...NOTHING, checks: listChecks(required['checks'] ?? [], 'app_id', read), isWhole: false };
}

function listChecks(value: unknown, app: 'app_id' | 'integration_id', read: AnswerReader): RequiredCheck[] {
  return read.list(value, 'checks').map((item) => {
    const check = read.object(item, 'check');
    const id = check[app];
    // GitHub writes "anybody's" as null, as -1, or not at all.
    const isBound = typeof id === 'number' && id > 0;
    return { name: read.text(check['context'], 'context'), app: isBound ? id : undefined };
  });
}

function countOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
