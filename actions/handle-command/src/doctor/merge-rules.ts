import { openGitHub } from '@slipway/core/action/github-access';
import { judgeSource } from '@slipway/core/action/required-check';
import { ConfigurationError } from '@slipway/core/errors';
import type { GitHub } from '@slipway/core/github/connect';
import { type Protection, readProtection } from '@slipway/core/github/protection';
import { RELEASE_CHECK } from '@slipway/core/pull-request/release-record';
import { GATE } from '@slipway/core/storage/gate-check';
import { type Diagnosis, failed, fine, ill } from './diagnosis.ts';
import type { Examined } from './examined.ts';

/** What is missing on a branch can be a choice, or a hole. */
interface Wanted {
  readonly branch: string;
  readonly check: string;
  readonly without: 'error' | 'warning';
  readonly consequence: string;
}

/** Looks what a merge needs: the required check, written by an App, and a review that a push makes worthless. */
export async function checkMergeRules(examined: Examined): Promise<Diagnosis[]> {
  const { repository, defaultBranch, configuration, isRelease, isStorage } = examined;
  const wanted: Wanted[] = [];
  if (isRelease) {
    const consequence = 'what was not released can be merged; it is only reported afterwards.';
    wanted.push({ branch: defaultBranch, check: RELEASE_CHECK, without: 'warning', consequence });
  }
  if (isStorage) {
    const consequence = 'a package version can be removed that nobody serves yet.';
    for (const { name, frozen } of configuration.storage.distributions) {
      if (!frozen) wanted.push({ branch: name, check: GATE, without: 'error', consequence });
    }
  }
  const github = await openAdministration(examined);
  const all: Diagnosis[] = [];
  for (const each of wanted) {
    try {
      all.push(...judge(each, await readProtection(github, repository, each.branch), examined.inputs['app-id']));
    } catch (error) {
      all.push(failed(`required check on ${each.branch}`, 'unknown', error));
    }
  }
  return all;
}

/** Protection is for administrators' eyes: an App may be one, a job's token never is. */
async function openAdministration({ inputs, runtime, repository, github }: Examined): Promise<GitHub> {
  if (inputs['app-id'] === undefined || inputs['app-private-key'] === undefined) return github;
  try {
    const permissions = { administration: 'read', contents: 'read' } as const;
    return (await openGitHub(repository, permissions, inputs, runtime)).github;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return github;
  }
}

const WHERE = 'Settings → Rules → Rulesets';

function judge(
  { branch, check, without, consequence }: Wanted,
  protection: Protection,
  appId: string | undefined,
): Diagnosis[] {
  const { checks, reviews, dismissesStale, isWhole } = protection;
  const required = checks.filter(({ name }) => name === check);
  const add = `Require the check '${check}' for ${branch} (${WHERE}), and choose your App as its source.`;
  const ofCheck = (): Diagnosis => {
    const name = `required check on ${branch}`;
    if (required.length === 0) return ill(name, without, `'${check}' is not required: ${consequence}`, add);
    switch (judgeSource(required, appId)) {
      case 'ours':
        return fine(name, `'${check}', from one App alone`);
      case 'other':
        return ill(name, 'error', `'${check}' is required from another App than yours: nothing can be merged.`, add);
      case 'workflows':
        return ill(name, 'warning', `'${check}' is required from GitHub Actions: every workflow can write it.`, add);
      case 'anybody':
        return ill(name, 'warning', `'${check}' is required, but anybody who can write may write it.`, add);
    }
  };
  const ofReviews = (): Diagnosis => {
    const name = `reviews on ${branch}`;
    const cure = `Require a pull request with an approving review, and dismiss stale approvals, for ${branch} (${WHERE}).`;
    if (reviews > 0 && dismissesStale) return fine(name, 'required, and dismissed by a push');
    if (!isWhole) {
      const hidden = 'The protection of the branch is shown to administrators only.';
      return ill(name, 'unknown', hidden, `Give a GitHub App with 'administration: read', or look yourself. ${cure}`);
    }
    const found = reviews === 0 ? 'No review is required.' : 'An approval outlives a push.';
    return ill(name, 'warning', found, cure);
  };
  return [ofCheck(), ofReviews()];
}
