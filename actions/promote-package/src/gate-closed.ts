import type { Runtime } from '@slipway/core/action/action';
import { openGitHub } from '@slipway/core/action/github-access';
import { type ConfigurationError, messageOf } from '@slipway/core/errors';
import type { AppPermissions } from '@slipway/core/github/app-token';
import { findOwnCheckRun, writeCheckRun } from '@slipway/core/github/check-run';
import type { GitHub } from '@slipway/core/github/connect';
import { listOpenPullRequests, readPullRequest } from '@slipway/core/github/pull-request';
import { GATE, gateCheck } from '@slipway/core/storage/gate-check';
import { type Pull, unjudged } from './gate-head.ts';
import type { Inputs } from './inputs.ts';

/**
 * Turns the green checks red that nobody can look after while the configuration cannot be read: of the pull request that
 * is asked for, else of all that are open. Which branches are distributions is not known, so only checks of ours are
 * touched; the repository is the one of the job, for where else the storage may be is not known either.
 *
 * What goes wrong here is logged: the error that is thrown is the one of the configuration.
 */
export async function closeGate(
  problem: ConfigurationError,
  permissions: AppPermissions,
  inputs: Inputs,
  runtime: Runtime,
): Promise<void> {
  const { event, log } = runtime;
  const { repository } = event;
  if (repository === undefined || inputs['dry-run']) return;
  const giveUp = (what: string, error: unknown): void =>
    log.warning(`${what} could not be made to say that nothing can be judged: ${messageOf(error)}`);
  try {
    const { github } = await openGitHub(repository, permissions, inputs, runtime);
    const pulls = await choosePullRequests(github, repository, inputs, runtime);
    for (const [headSha, ofHead] of Map.groupBy(pulls, (pull) => pull.headSha)) {
      await turnRed(github, repository, headSha, ofHead, problem).catch((error: unknown) => giveUp(headSha, error));
    }
  } catch (error) {
    giveUp('The checks', error);
  }
}

async function choosePullRequests(
  github: GitHub,
  repository: string,
  inputs: Inputs,
  { event: { pullRequest } }: Runtime,
): Promise<readonly Pull[]> {
  const asked = inputs['pull-request'] ?? pullRequest?.number;
  if (asked === undefined) return listOpenPullRequests(github, repository);
  try {
    return [await readPullRequest(github, repository, asked)];
  } catch (error) {
    if (pullRequest?.number === asked) return [pullRequest];
    throw error;
  }
}

async function turnRed(
  github: GitHub,
  repository: string,
  headSha: string,
  pulls: readonly Pull[],
  problem: ConfigurationError,
): Promise<void> {
  const own = await findOwnCheckRun(github, repository, headSha, GATE);
  if (own?.conclusion !== 'success') return;
  const reason = new Error(`${problem.message} When that is mended, run the gate again.`, { cause: problem });
  const verdicts = pulls.map((pull) => unjudged(pull, reason));
  await writeCheckRun(github, repository, gateCheck(headSha, verdicts));
}
